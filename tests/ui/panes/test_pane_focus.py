"""A pane that takes the keyboard: where the keys land, and how people use a pane all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.kernels import Kernel, running_kernel
from tests.ui.lab import Lab
from tests.ui.panes.test_pane_widgets import KNOB
from tests.ui.panes.test_panes import content, open_tab
from tests.ui.sidebar.test_panel import run_notebook, write_notebook

TYPED = "this is a secret that is typed elsewhere"
STOPPED = "This pane was stopped: a script in it took the keyboard"

#: Keys that arrive in the frame are reported past everything that guards it. A call of Playwright's in a
#: frame would count as a press of the person's, so a message of the page tells the script to begin.
THIEF = """<p>here</p><input id="i"><script>
addEventListener('keydown', event => parent.parent.postMessage({ stolen: event.key }, '*'), true);
const take = () => { window.focus(); i.focus(); };
addEventListener('message', ({ data }) => {
  if (data === 'begin') setTimeout(() => %s, 1000);
});
parent.parent.postMessage({ drawn: true }, '*');
</script>"""
ONCE = "take()"
AT_20_HZ = "setInterval(take, 50)"
BEGIN = "document.querySelector('.jp-PeerPane iframe').contentWindow[0].postMessage('begin', '*')"

LISTEN = """() => {
  window.stolen = [];
  addEventListener('message', ({ data }) => {
    if (data?.stolen) window.stolen.push(data.stolen);
    if (data?.drawn) window.drawn = true;
  });
}"""

KEYLOGGER = """%%peer share keylogger --with bob --grant interact
import anywidget, ipywidgets, traitlets
from IPython.display import display

class KeyLogger(anywidget.AnyWidget):
    _esm = '''
    export default { render({ model, el }) {
      const field = document.createElement("input");
      field.id = "i";
      el.append("here", field);
      const send = key => { model.set("typed", model.get("typed") + key); model.save_changes(); };
      setInterval(() => send("."), 200);
      addEventListener("keydown", event => {
        send(event.key);
        parent.parent.postMessage({ stolen: event.key }, "*");
      }, true);
      parent.parent.postMessage({ drawn: true }, "*");
      model.on("msg:custom", () => setTimeout(() => { window.focus(); field.focus(); }, 1500));
    } };
    '''
    typed = traitlets.Unicode("").tag(sync=True)

logger = KeyLogger()
label = ipywidgets.Label()
def arrived(change):
    if "mine" in change["new"].replace(".", ""):
        label.value = "mine has arrived"
logger.observe(arrived, "typed")
display(logger, label)"""


@pytest.fixture(scope="module")
def kernel(ada: Lab, bob: Lab) -> Iterator[Kernel]:
    with running_kernel(ada) as kernel:
        yield kernel


def share_thief(kernel: Kernel, name: str, begin: str) -> None:
    """Share a pane that takes the focus a second after ``BEGIN``."""
    html = THIEF % begin
    kernel.run(
        f"%%peer share {name} --with bob\nfrom IPython.display import HTML, display\n"
        f"display(HTML({html!r}))"
    )


def add_field(page: Page) -> Locator:
    """Add a field of JupyterLab's page, outside the pane, and count the keys that panes receive."""
    page.evaluate(LISTEN)
    page.evaluate(
        """() => {
          const field = document.createElement('input');
          field.id = 'elsewhere';
          field.style = 'position: fixed; top: 30px; left: 500px; z-index: 100; width: 300px';
          document.body.append(field);
        }"""
    )
    return page.locator("#elsewhere")


def stolen(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.stolen")
    return found


def stays_in_frame(page: Page) -> None:
    """Wait until a frame has kept the focus for as long as a hand needs from the mouse to the keys."""
    page.evaluate("delete window.since")
    page.wait_for_function(
        """() => {
          if (document.activeElement.tagName !== 'IFRAME') delete window.since;
          else return performance.now() - (window.since ??= performance.now()) > 200;
        }"""
    )


def middle(frame: Locator) -> tuple[float, float]:
    box = frame.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("begin", [ONCE, AT_20_HZ], ids=["once", "at 20 Hz"])
@pytest.mark.parametrize("rests", [False, True], ids=["pointer elsewhere", "pointer over it"])
def test_a_tab_that_takes_the_keyboard_gets_one_key_at_most_and_is_stopped(
    begin: str,
    rests: bool,
    bob: Lab,
    kernel: Kernel,
    open_lab: Callable[..., Page],
    shoot: Callable[..., None],
) -> None:
    page = open_lab(bob)
    field = add_field(page)
    name = f"tab{'-often' if begin is AT_20_HZ else ''}{'-rests' if rests else ''}"
    share_thief(kernel, name, begin)
    view = open_tab(page, bob, name)
    page.wait_for_function("window.drawn", timeout=20_000)
    field.click()
    page.mouse.move(*middle(view.locator("iframe")) if rests else (5, 5))
    page.evaluate(BEGIN)
    page.keyboard.type(TYPED * 3, delay=50)
    expect(view).to_contain_text(STOPPED)
    assert len(stolen(page)) <= 1, stolen(page)
    # A stolen key is lost to where it was meant; all others arrived there.
    expect(field).to_be_focused()
    assert len(field.input_value()) >= 3 * len(TYPED) - 1
    shoot(name)
    view.get_by_role("button", name="Show it again").click()
    expect(content(view).get_by_text("here")).to_be_visible(timeout=20_000)


def test_a_pane_in_a_cell_gets_no_keys_of_the_cell_below(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    page = open_lab(bob)
    page.evaluate(LISTEN)
    share_thief(kernel, "cell", AT_20_HZ)
    write_notebook(bob, "keys.ipynb", "%load_ext jupyter_peer\n%peer open ada/cell", "")
    notebook = run_notebook(page, "keys.ipynb")
    view = notebook.locator(".jp-PeerPane")
    page.wait_for_function("window.drawn", timeout=30_000)
    editor = notebook.locator(".jp-Cell .cm-content").last
    editor.click()
    page.evaluate(BEGIN)
    typed = "a = " + "1234567890" * 16
    page.keyboard.type(typed, delay=50)
    expect(view).to_contain_text(STOPPED)
    assert len(stolen(page)) <= 1, stolen(page)
    assert len(editor.text_content() or "") >= len(typed) - 1
    expect(editor).to_be_focused()
    shoot("cell")


def test_a_pane_sends_its_owner_no_input_that_nobody_made_and_no_key_typed_elsewhere(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    kernel.run(KEYLOGGER)
    page = open_lab(bob)
    field = add_field(page)
    view = open_tab(page, bob, "keylogger")
    expect(view).to_contain_text("you can use it")
    # Whatever Playwright does in the frame itself would count as a person's doing.
    page.wait_for_function("window.drawn", timeout=20_000)
    field.click()
    page.mouse.move(*middle(view.locator("iframe")))
    kernel.run("logger.send('take it')")
    page.keyboard.type(TYPED * 3, delay=40)
    expect(view).to_contain_text(STOPPED)
    assert len(stolen(page)) <= 1
    kernel.run("assert not logger.typed, logger.typed")
    # Nobody did anything, so nobody is told that it was not taken.
    view.get_by_role("button", name="Show it again").click()
    inside = content(view)
    expect(inside.get_by_text("here")).to_be_visible(timeout=20_000)
    expect(inside.locator("#notes")).to_be_empty()
    # What a person types in the pane after a click goes to the owner.
    inside.locator("#i").click()
    page.keyboard.type("mine", delay=50)
    expect(inside.locator("#i")).to_have_value("mine")
    expect(inside.get_by_text("mine has arrived")).to_be_visible()


def test_a_click_in_the_frame_keeps_the_focus_there_also_right_after_typing(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    kernel.run(KNOB.format(name="honest", grant="interact"))
    page = open_lab(bob)
    field = add_field(page)
    view = open_tab(page, bob, "honest")
    text = content(view).get_by_role("textbox").last
    expect(text).to_be_visible(timeout=20_000)
    for delay in (0, 30, 120):
        field.click()
        page.keyboard.type("elsewhere", delay=20)
        text.click(delay=delay)
        stays_in_frame(page)
        expect(text).to_be_focused()
        page.keyboard.type("here", delay=40)
        expect(text).to_have_value("here")
        expect(view).not_to_contain_text("stopped")
        # Without a pause in which the press is forgotten.
        text.fill("")
    field.click()
    text.click()
    stays_in_frame(page)
    page.keyboard.type("idle")
    expect(text).to_have_value("idle")
    expect(view).not_to_contain_text("stopped")
