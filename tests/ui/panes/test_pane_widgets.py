"""Widgets of a peer's pane: used from its tab, or only looked at, as the owner has granted it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.kernels import Kernel, running_kernel
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content, open_tab
from tests.ui.sidebar.test_sidebar import LOWEST_CONTRAST, use_theme

LOOK_ONLY = "You can view these widgets"

KNOB = """%%peer share {name} --with bob --grant {grant}
import ipywidgets
from IPython.display import display

slider = ipywidgets.IntSlider(description="rate", max=10)
button = ipywidgets.Button(description="Reset")
label = ipywidgets.Label("at 0")
slider.observe(lambda change: setattr(label, "value", f"at {{change['new']}}"), "value")
button.on_click(lambda _: setattr(slider, "value", 0))
display(ipywidgets.VBox([slider, button, label]))
display(ipywidgets.Text(description="also"))"""

COUNTER = """%%peer share counter --with bob --grant interact
import anywidget, ipywidgets, traitlets
from IPython.display import display

class Counter(anywidget.AnyWidget):
    _esm = '''
    export default { render({ model, el }) {
      const button = document.createElement("button");
      const show = () => { button.textContent = `count is ${model.get("count")}`; };
      button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
      model.on("change:count", show);
      show();
      el.append(button);
    } };
    '''
    _css = "button { color: rgb(1, 2, 3); }"
    count = traitlets.Int(5).tag(sync=True)

counter = Counter()
heard = ipywidgets.Label("the owner has 5")
counter.observe(lambda change: setattr(heard, "value", f"the owner has {change['new']}"), "count")
display(counter, heard)"""

SECRETS = """%%peer share secrets --with bob --grant interact
import ipywidgets
upload, password = ipywidgets.FileUpload(), ipywidgets.Password(description="key")
heard = ipywidgets.Label()
def hear(_):
    names = [each.name for each in upload.value]
    heard.value = f"the owner has {names} and {password.value}"
upload.observe(hear, "value")
password.observe(hear, "value")
ipywidgets.VBox([upload, password, heard])"""

FOREIGN = """%%peer share foreign --with bob
import ipywidgets, traitlets
from IPython.display import display

class Foreign(ipywidgets.DOMWidget):
    _model_name = traitlets.Unicode("ThereModel").tag(sync=True)
    _model_module = traitlets.Unicode("jupyter-elsewhere").tag(sync=True)
    _view_name = traitlets.Unicode("ThereView").tag(sync=True)
    _view_module = traitlets.Unicode("jupyter-elsewhere").tag(sync=True)

    def __repr__(self):
        return "Foreign(in plain text)"

display(Foreign())
display(ipywidgets.VBox([ipywidgets.Label("its neighbour"), Foreign()]))"""

#: What a page of the viewer's own server can send by itself, past the frame and its guards.
FORGED = """async ([peer, name]) => {
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/jupyter-peer/ws');
  await new Promise(open => { socket.onopen = open; });
  let last = 0;
  const ask = (op, params) => new Promise(answered => {
    const id = ++last;
    const onAnswer = ({ data }) => {
      const frame = typeof data === 'string' ? JSON.parse(data) : {};
      if (frame.id === id) { socket.removeEventListener('message', onAnswer); answered(frame); }
    };
    socket.addEventListener('message', onAnswer);
    socket.send(JSON.stringify({ id, op, params }));
  });
  const { watch, state } = (await ask('open', { peer, name })).result;
  const [comm_id] = Object.entries(state.widgets.state)
    .find(([, model]) => model.model_name === 'IntSliderModel');
  const data = { method: 'update', state: { value: 7 } };
  const message = { msg_type: 'comm_msg', content: { comm_id, data } };
  const answer = await ask('input', { watch, message, id: 'forged' });
  socket.close();
  return answer.error;
}"""


@pytest.fixture(scope="module")
def kernel(ada: Lab, bob: Lab) -> Iterator[Kernel]:
    with running_kernel(ada) as kernel:
        yield kernel


def handle_of(view: Locator) -> Locator:
    """The knob of the slider."""
    return content(view).get_by_role("slider")


def drag(page: Page, handle: Locator, by: int) -> None:
    """Drag with the mouse, in several steps as a hand does."""
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=10)
    page.mouse.up()


def test_who_may_interact_moves_the_owners_slider_from_the_tab_and_sees_what_comes_of_it(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    kernel.run(KNOB.format(name="knob", grant="interact"))
    page = open_lab(bob)
    view = open_tab(page, bob, "knob")
    expect(view).to_contain_text("you can use it")
    inside, handle = content(view), handle_of(view)
    expect(inside.get_by_text("at 0", exact=True)).to_be_visible()
    # The keyboard comes to the frame within a few stops.
    for _ in range(4):
        page.keyboard.press("Tab")
        if handle.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(inside.get_by_text("at 2", exact=True)).to_be_visible()
    kernel.run("assert slider.value == 2, slider.value")

    drag(page, handle, 2000)
    expect(inside.get_by_text("at 10", exact=True)).to_be_visible()
    kernel.run("assert slider.value == 10, slider.value")
    inside.get_by_role("button", name="Reset").click()
    expect(inside.get_by_text("at 0", exact=True)).to_be_visible()
    expect(handle).to_have_attribute("aria-valuenow", "0.0")
    expect(inside.get_by_text(LOOK_ONLY)).to_have_count(0)
    # What the owner does comes too, and so after what was done here.
    kernel.run("slider.value = 4")
    expect(handle).to_have_attribute("aria-valuenow", "4.0")
    for theme in ("Dark", "Light"):
        use_theme(page, f"JupyterLab {theme}")
        page.wait_for_selector("#jupyterlab-splash", state="detached")
        shoot(theme.lower())
        assert inside.locator("body").evaluate(LOWEST_CONTRAST) >= 3


def test_who_may_only_look_moves_nothing_and_is_told_so(
    ada: Lab, bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    kernel.run(KNOB.format(name="gauge", grant="view"))
    page = open_lab(bob)
    view = open_tab(page, bob, "gauge")
    expect(view).to_contain_text("you can view it")
    inside, handle = content(view), handle_of(view)
    expect(handle).to_be_visible()
    look_only = inside.locator(".peer-widget")
    assert [
        LOOK_ONLY in said
        for said in look_only.evaluate_all(
            "nodes => nodes.map(node => getComputedStyle(node, '::before').content)"
        )
    ] == [True, False]
    expect(look_only.first).to_have_attribute("aria-disabled", "true")
    drag(page, handle, 2000)
    # With the pointer elsewhere it would be a script that takes the focus, and be made to give it back.
    handle.hover(force=True)
    handle.evaluate("node => node.focus()")
    page.keyboard.press("ArrowRight")
    box = inside.get_by_role("button", name="Reset").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    expect(handle).to_have_attribute("aria-valuenow", "0.0")
    shoot("look-only")

    (peer,) = bob.api("GET", "peers")["peers"]
    error = page.evaluate(FORGED, [peer["node_id"], "gauge"])
    assert error["code"] == "not_granted"
    kernel.run("assert slider.value == 0, slider.value")
    assert "pane_input_refused" in {entry["kind"] for entry in ada.api("GET", "audit")["audit"]}

    # The owner lets him, and then no more, while he has it open.
    kernel.run("%peer grant gauge bob interact")
    expect(view).to_contain_text("you can use it")
    expect(look_only.first).not_to_have_attribute("aria-disabled", "true")
    drag(page, handle, 2000)
    expect(inside.get_by_text("at 10", exact=True)).to_be_visible()
    kernel.run("%peer grant gauge bob view")
    expect(view).to_contain_text("you can view it")
    expect(look_only.first).to_have_attribute("aria-disabled", "true")
    drag(page, handle, -2000)
    expect(handle).to_have_attribute("aria-valuenow", "10.0")
    kernel.run("slider.value -= 7")
    expect(handle).to_have_attribute("aria-valuenow", "3.0")


def test_an_anywidget_runs_the_code_it_brings_along(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    kernel.run(COUNTER)
    view = open_tab(open_lab(bob), bob, "counter")
    button = content(view).get_by_role("button", name="count is 5")
    expect(button).to_have_css("color", "rgb(1, 2, 3)")
    button.click()
    expect(content(view).get_by_role("button", name="count is 6")).to_be_visible()
    expect(content(view).get_by_text("the owner has 6", exact=True)).to_be_visible()
    kernel.run("assert counter.count == 6; counter.count = 40")
    expect(content(view).get_by_role("button", name="count is 40")).to_be_visible()


def test_who_uploads_or_types_a_password_still_sees_it(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    kernel.run(SECRETS)
    page = open_lab(bob)
    inside = content(open_tab(page, bob, "secrets"))
    button = inside.get_by_role("button", name="Upload (0)")
    with page.expect_file_chooser() as chosen:
        button.click()
    chosen.value.set_files({"name": "a.csv", "mimeType": "text/csv", "buffer": b"1,2"})
    expect(inside.get_by_text("the owner has ['a.csv'] and", exact=True)).to_be_visible()
    expect(inside.get_by_role("button", name="Upload (1)")).to_be_visible()
    inside.get_by_label("key").press_sequentially("abc")
    expect(inside.get_by_text("the owner has ['a.csv'] and abc", exact=True)).to_be_visible()
    expect(inside.get_by_label("key")).to_have_value("abc")
    kernel.run("upload.value = ()")
    expect(inside.get_by_role("button", name="Upload (0)")).to_be_visible()


def test_a_widget_of_a_module_that_is_not_here_is_told_and_shown_as_text(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    kernel.run(FOREIGN)
    view = open_tab(open_lab(bob), bob, "foreign")
    inside = content(view)
    note = "The widget module jupyter-elsewhere is not part of jupyter-peer"
    expect(inside.locator(".note").first).to_contain_text(note)
    expect(inside.get_by_text("Foreign(in plain text)", exact=True)).to_be_visible()
    # In a box the others are drawn as ever.
    expect(inside.get_by_text("its neighbour")).to_be_visible()
    shoot("shown")
