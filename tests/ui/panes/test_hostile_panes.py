"""An owner who means harm: what its pane tries in the viewer's browser, and what it gets."""

from __future__ import annotations

import base64
import contextlib
import html
import itertools
import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Error as PlaywrightError, Locator, Page, Route, expect

from tests.machine.waiting import until_sync
from tests.ui.canary import GRABS, WAYS, Canary
from tests.ui.conftest import PageErrors
from tests.ui.kernels import Kernel, running_kernel
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content, open_tab

ALL_WAYS = set(re.findall(r"^  (\w+): ", WAYS, re.M))
ALL_GRABS = set(re.findall(r"^  (\w+): ", GRABS, re.M))
LEAVES_ITSELF = {"location", "self", "anchor", "refresh", "nested"}
#: Ways to take the page around along; they need one.
ONLY_FROM_A_FRAME = {"top", "parent"}
NEEDS_A_CLICK = {"popup", "blank", "form"}
LEAVES_AFTER_MS = 5000
SITE_NAME = "cdn.jsdelivr.net"
SITE = f"https://{SITE_NAME}"
#: What a pane loads from a site that its viewer has allowed. Browsers take their time with some.
LOADS = {"script", "stylesheet", "image"}
MAY_LOAD = LOADS | {
    "cssimport",
    "background",
    "font",
    "svgimage",
    "import",
    "prefetch",
    "preload",
    "inputimage",
    "listimage",
    "modulepreload",
}


@pytest.fixture(scope="module")
def kernel(ada: Lab, bob: Lab) -> Iterator[Kernel]:
    with running_kernel(ada) as kernel:
        yield kernel


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    with Canary().running() as canary:
        yield canary


def attack(canary: Canary | str, bob: Lab, mark: str, leaving: bool = True) -> str:
    """Return a script that tries everything, says what it could read, and then tries to leave.

    It tries to get to a canary, or to a site by its address.

    A browser may put an error page in place of one whose leaving it refuses, so what is to be seen
    stands there for a while before.
    """
    address = canary if isinstance(canary, str) else canary.url
    names = f"const CANARY = '{address}', JUPYTER = '{bob.url}', MARK = '{mark}';"
    leave = f"setTimeout(() => tries(LEAVING), {LEAVES_AFTER_MS});" if leaving else ""
    return (
        f"(async () => {{ {names}\n{WAYS}\n{GRABS}\n"
        "const got = await grab(); await tries(WAYS);"
        "const report = document.createElement('pre'); report.className = 'report';"
        "report.dataset.mark = MARK; document.body.append(report);"
        f"report.textContent = JSON.stringify(got); {leave} }})();"
    )


def in_handler(script: str) -> str:
    """Return markup that runs a script where names of the document come before those of the window."""
    return f'<img src="data:," onerror="{html.escape(script)}">'


def leaves(page: Page, canary: Canary, way: str) -> None:
    """See a page of its own leave by one way."""
    # The page may leave before it has quite come, which is an error to who asked for it.
    with contextlib.suppress(PlaywrightError):
        page.goto(f"{canary.url}/{way}", wait_until="commit")
    if way == "nested":
        until_sync(lambda: way in canary.heard_of("control"), timeout=10)
    else:
        # Not when the server has heard of it: the page is still on its way then.
        page.wait_for_url(f"{canary.url}/control-{way}*", timeout=10_000, wait_until="commit")


def share(kernel: Kernel, name: str, data: dict[str, object]) -> None:
    kernel.run(
        f"%%peer share {name} --with bob\nfrom IPython.display import display\n"
        f"display({data!r}, raw=True)"
    )


def outputs(canary: Canary, mark: str, script: str, encoded: str) -> dict[str, dict[str, object]]:
    """Return an output of each kind that runs a script."""
    return {
        "html": {"text/html": f"<script>{script}</script>"},
        "markdown": {
            "text/markdown": f"![x]({canary.url}/{mark}-md)\n\n<script>{script}</script>\n"
        },
        "javascript": {"application/javascript": script},
        "handler": {"text/html": in_handler(script)},
        # Inside of SVG the text of a script is markup, and this one has some.
        "svg-in-html": {"text/html": f"<svg><script>eval(atob('{encoded}'))</script></svg>"},
    }


def share_code(kernel: Kernel, name: str, code: str) -> None:
    """Share a widget that brings its own code along."""
    kernel.run(
        f"%%peer share {name} --with bob\nimport anywidget\n"
        "from IPython.display import display\n"
        f"class Harmful(anywidget.AnyWidget):\n    _esm = {code!r}\n"
        "display(Harmful())"
    )


def share_module(ada: Lab, kernel: Kernel, name: str, script: str) -> None:
    """Share a widget whose code the owner has installed, in a module of its own.

    A viewer keeps the code of a module as long as it is connected.
    """
    module = f"harmful-{name}"
    folder = ada.root.parent / "data" / "nbextensions" / module
    folder.mkdir(parents=True, exist_ok=True)
    classes = "{ M: base.DOMWidgetModel, V: class extends base.DOMWidgetView {} }"
    code = f"define(['@jupyter-widgets/base'], base => {{ {script}; return {classes}; }});"
    (folder / "index.js").write_text(code)
    traits = {
        "model_name": "M",
        "model_module": module,
        "view_name": "V",
        "view_module": module,
    }
    lines = [f"    _{key} = t.Unicode('{value}').tag(sync=True)" for key, value in traits.items()]
    kernel.run(
        f"%%peer share {name} --with bob\nimport ipywidgets, traitlets as t\n"
        "class Harmful(ipywidgets.DOMWidget):\n" + "\n".join(lines) + "\nHarmful()"
    )


def install_extension(ada: Lab, script: str) -> None:
    """Install an extension of JupyterLab whose widgets mean harm, in the form that webpack writes."""
    folder = ada.root.parent / "data" / "labextensions" / "harmful-extension" / "static"
    folder.mkdir(parents=True, exist_ok=True)
    build = {"load": "static/remoteEntry.1.js", "extension": "./extension"}
    (folder.parent / "package.json").write_text(json.dumps({"jupyterlab": {"_build": build}}))
    (folder / "remoteEntry.1.js").write_text(
        "var _JUPYTERLAB = { 'harmful-extension': { init(scope) { this.scope = scope; }, async get() {"
        " const shared = Object.values(this.scope['@jupyter-widgets/base'])[0];"
        " const base = (await shared.get())(); "
        + script
        + "; const exports = { M: base.DOMWidgetModel, V: class extends base.DOMWidgetView {} };"
        " const activate = (app, registry) => registry.registerWidget({ name: 'harmful-extension', exports });"
        " return () => ({ default: { requires: [base.IJupyterWidgetRegistry], activate } }); } } };"
    )


def html_of(script: str) -> str:
    return f"<script>{script}</script>"


def test_the_probes_notice_what_gets_out_where_nothing_keeps_it_in(
    bob: Lab, canary: Canary, page: Page, open_lab: Callable[..., Page], page_errors: PageErrors
) -> None:
    def single(mark: str) -> str:
        return f"const CANARY = '{canary.url}', MARK = '{mark}';{WAYS}"

    # A browser takes its time with a font or a prefetch, and forgets them with the page.
    staying = ALL_WAYS - LEAVES_ITSELF - ONLY_FROM_A_FRAME - NEEDS_A_CLICK
    script = attack(canary, bob, "control", leaving=False)
    handled = attack(canary, bob, "handler", leaving=False)
    for mark, body in {
        "control": f"<script>{script}</script>",
        "handler": in_handler(handled),
    }.items():
        canary.pages["/page"] = f"<body>{body}"
        page.goto(f"{canary.url}/page")
        expect(page.locator(".report")).to_have_text(re.compile("."), timeout=20_000)
        until_sync(lambda mark=mark: staying <= canary.heard_of(mark), timeout=10)  # type: ignore[misc]
    for way in sorted(NEEDS_A_CLICK):
        for mark, code in {
            "control": f"<script>{single('control')} onclick = () => WAYS.{way}();</script>",
            "handler": f'<p onclick="{html.escape(single("handler"))} WAYS.{way}();">here</p>',
        }.items():
            canary.pages["/click"] = f"<body style='height: 90vh'>{code}<p>here</p>"
            page.goto(f"{canary.url}/click")
            page.get_by_text("here").first.click()
            until_sync(lambda mark=mark, way=way: way in canary.heard_of(mark), timeout=10)  # type: ignore[misc]
    for way in sorted(ALL_WAYS & LEAVES_ITSELF):
        code = f"{single('control')} addEventListener('load', () => LEAVING.{way}());"
        canary.pages[f"/{way}"] = f"<body><script>{code}</script>"
        leaves(page, canary, way)
    for way in sorted(ONLY_FROM_A_FRAME):
        canary.pages[f"/in-{way}"] = f"<body><script>{single('control')} LEAVING.{way}();</script>"
        canary.pages[f"/{way}"] = f"<body><iframe src='/in-{way}'></iframe>"
        leaves(page, canary, way)
    assert canary.heard_of("control") == ALL_WAYS
    # What can be read of Jupyter, in Jupyter's own page, and of a frame in a page of its own origin.
    lab = open_lab(bob)
    lab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    grab = f"async () => {{ const JUPYTER = '{bob.url}'; {GRABS} return grab(); }}"
    got = lab.evaluate(grab)
    lab.evaluate(
        "() => document.body.append(Object.assign(document.createElement('iframe'), {id: 'own'}))"
    )
    frame = lab.locator("#own").element_handle().content_frame()
    assert {*got, *frame.evaluate(grab)} == ALL_GRABS
    assert got["api"] == 200
    page_errors.allow()


@pytest.mark.parametrize(
    "kind", ["html", "markdown", "javascript", "handler", "svg-in-html", "anywidget", "module"]
)
def test_a_pane_gets_nothing_of_jupyter_and_nothing_out(
    kind: str,
    ada: Lab,
    bob: Lab,
    kernel: Kernel,
    canary: Canary,
    open_lab: Callable[..., Page],
    page_errors: PageErrors,
) -> None:
    mark = f"pane-{kind}"
    script = attack(canary, bob, mark)
    encoded = base64.b64encode(script.encode()).decode()
    if kind == "anywidget":
        share_code(kernel, kind, f"export default {{ render() {{ {script} }} }}")
    elif kind == "module":
        share_module(ada, kernel, kind, script)
    else:
        share(kernel, kind, outputs(canary, mark, script, encoded)[kind])
    page = open_lab(bob)
    popups: list[object] = []
    page.context.on("page", lambda popup: popups.append(popup))
    page.on("download", lambda download: popups.append(download))
    page.on("dialog", lambda dialog: popups.append(dialog))
    url = page.url
    view = open_tab(page, bob, kind)
    report = content(view).locator(f".report[data-mark='{mark}']")
    expect(report).to_have_text(re.compile("."), timeout=30_000)
    got = report.text_content()
    assert got == "{}", got
    expect(content(view).locator(".note").first).to_contain_text("no network: http")
    # Now it has tried to leave as well: the browser refused, and has taken the page away for it.
    expect(report).to_have_count(0, timeout=30_000)
    # One way out that is known to work says that those before had their time.
    page.evaluate("url => void fetch(url, {mode: 'no-cors'})", f"{canary.url}/{mark}-end")
    until_sync(lambda: "end" in canary.heard_of(mark))
    assert canary.heard_of(mark) == {"end"}
    assert (page.url, popups) == (url, [])
    page_errors.allow()


def after_report(mark: str, script: str) -> str:
    """Return a script that begins once the attack with a mark has said in the page what it got."""
    seen = f"document.querySelector(\".report[data-mark='{mark}']\")"
    wait = f"while (!{seen}) await new Promise(go => setTimeout(go, 50));"
    return f"(async () => {{ {wait} {script} }})();"


def share_everything(ada: Lab, kernel: Kernel, scripts: dict[str, str]) -> None:
    """Share a pane that runs each script in another way: see the keys."""
    load = {"application/javascript": scripts["loader"], "application/vnd.bokehjs_load.v0+json": ""}
    kernel.run(f"from IPython.display import display\ndisplay({load!r}, raw=True)")
    share_module(ada, kernel, "only-modules", scripts["module"])
    install_extension(ada, scripts["extension"])
    code = f"export default {{ render() {{ {scripts['anywidget']} }} }}"
    # The first lines of the cell are the magic and the imports.
    kernel.run(
        "%%peer share everything --with bob\nimport anywidget\n"
        f"class Brought(anywidget.AnyWidget):\n    _esm = {code!r}\n"
        "class Extended(Harmful):\n"
        "    _model_module = t.Unicode('harmful-extension').tag(sync=True)\n"
        "    _view_module = t.Unicode('harmful-extension').tag(sync=True)\n"
        "display(Harmful(), Brought(), Extended())\n"
        f"display({{'text/html': {html_of(scripts['html'])!r}}}, raw=True)\n"
        f"display({{'text/html': {in_handler(scripts['isolated'])!r}}},"
        " metadata={'text/html': {'isolated': True}}, raw=True)"
    )


def test_a_pane_with_a_site_gets_scripts_styles_pictures_and_fonts_of_it_and_nothing_else(
    ada: Lab,
    bob: Lab,
    kernel: Kernel,
    canary: Canary,
    open_lab: Callable[..., Page],
    page_errors: PageErrors,
) -> None:
    ways = ("html", "isolated", "anywidget", "module", "extension", "loader")
    scripts = {way: attack(SITE, bob, f"own-{way}", leaving=False) for way in ways}
    scripts["html"] += attack(canary, bob, "site-html", leaving=False)
    leave = (
        f"const CANARY = '{SITE}', MARK = 'leaving'; {WAYS} window.leave = () => tries(LEAVING);"
    )
    scripts["html"] += f"(() => {{ {leave} }})();"
    # In turn, and widgets first: together they keep the page so busy that it counts as one that does
    # not answer, and before the code of widgets has come the widgets stay text.
    in_turn = ("anywidget", "module", "extension", "loader", "html")
    for before, way in itertools.pairwise(in_turn):
        scripts[way] = after_report(f"own-{before}", scripts[way])
    share_everything(ada, kernel, scripts)
    (peer,) = bob.api("GET", "peers")["peers"]
    raw = json.dumps({"allowedSites": {peer["node_id"]: [SITE_NAME]}})
    bob.jupyter("PUT", "lab/api/settings/jupyter-peer:plugin", {"raw": raw})
    page = open_lab(bob)
    asked: list[str] = []

    def serve(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body="", headers={"Access-Control-Allow-Origin": "*"})

    page.context.route(re.compile("^https:"), serve)
    popups: list[object] = []
    page.context.on("page", lambda popup: popups.append(popup))
    page.on("download", lambda download: popups.append(download))
    page.on("dialog", lambda dialog: popups.append(dialog))
    url = page.url
    view = open_tab(page, bob, "everything")
    expect(view).to_contain_text(f"This pane may load from {SITE_NAME}", timeout=30_000)
    inside = content(view)
    for way in ways:
        place = inside.frame_locator("iframe.isolated") if way == "isolated" else inside
        report = place.locator(f".report[data-mark='own-{way}']")
        expect(report).to_have_text("{}", timeout=60_000)
    expect(inside.locator(".report[data-mark='site-html']")).to_have_text("{}", timeout=60_000)
    # The browser refuses, and takes the page away for it.
    inside.locator("body").evaluate("() => window.leave()")
    expect(inside.locator(".report")).to_have_count(0, timeout=30_000)
    page.evaluate("url => void fetch(url, {mode: 'no-cors'})", f"{canary.url}/site-end")
    until_sync(lambda: "end" in canary.heard_of("site"))
    assert canary.heard_of("site") == {"end"}
    for way in ways:
        got = {each.removeprefix(f"{SITE}/own-{way}-") for each in asked if f"/own-{way}-" in each}
        assert LOADS <= got <= MAY_LOAD, way
    assert {each for each in asked if not each.startswith(f"{SITE}/own-")} == set()
    assert (page.url, popups) == (url, [])
    bob.jupyter("PUT", "lab/api/settings/jupyter-peer:plugin", {"raw": "{}"})
    page_errors.allow()


def test_a_picture_and_a_formula_run_and_load_nothing(
    bob: Lab,
    kernel: Kernel,
    canary: Canary,
    open_lab: Callable[..., Page],
    page_errors: PageErrors,
) -> None:
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' onload='fetch(\"{canary.url}/still-onload\")'>"
        f"<script>fetch('{canary.url}/still-script')</script><image href='{canary.url}/still-image'/></svg>"
    )
    latex = rf"$\includegraphics{{{canary.url}/still-latex}}\href{{javascript:alert(1)}}{{x}}$"
    kernel.run(
        "%%peer share still --with bob\nfrom IPython.display import display\n"
        f"display({{'image/svg+xml': {svg!r}}}, raw=True)\n"
        f"display({{'text/latex': {latex!r}}}, raw=True)"
    )
    page = open_lab(bob)
    view = open_tab(page, bob, "still")
    expect(content(view).locator("mjx-container")).to_be_attached(timeout=20_000)
    page.evaluate("url => void fetch(url, {mode: 'no-cors'})", f"{canary.url}/still-end")
    until_sync(lambda: "end" in canary.heard_of("still"))
    assert canary.heard_of("still") == {"end"}
    page_errors.allow()


def test_a_pane_that_floods_or_loops_leaves_the_page_usable(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], page_errors: PageErrors
) -> None:
    page = open_lab(bob)
    flood = "<script>setInterval(() => { for (let n = 0; n < 500; n++) parent.parent.postMessage('x', '*'); })</script>"
    share(kernel, "flood", {"text/html": flood})
    view = open_tab(page, bob, "flood")
    expect(view).to_contain_text("a script in it sent too much", timeout=20_000)
    expect(view.locator("iframe")).to_have_count(0)

    share(
        kernel,
        "loop",
        {"text/html": "<p>here</p><script>setTimeout(() => { for (;;); }, 500)</script>"},
    )
    view = open_tab(page, bob, "loop")
    expect(view).to_contain_text("does not answer", timeout=30_000)
    view.get_by_role("button", name="Stop it").click()
    expect(view).to_contain_text("This pane was stopped.")
    page_errors.allow()


def test_a_link_within_a_pane_scrolls_it_and_its_history_is_not_that_of_the_tab(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    page = open_lab(bob)
    share(kernel, "long", {"text/html": LONG})
    view = open_tab(page, bob, "long")
    inside = content(view)
    expect(inside.get_by_text("contents")).to_be_visible(timeout=20_000)
    before = page.evaluate("history.length")
    for name in ("by id", "by name", "in a picture"):
        inside.get_by_role("link", name=name, exact=True).click()
        expect(inside.get_by_text(f"found {name}", exact=True)).to_be_in_viewport()
        inside.get_by_role("link", name=f"back from {name}").click()
        expect(inside.get_by_text("contents")).to_be_in_viewport()
    inside.get_by_text("contents").evaluate(
        "() => { for (let n = 0; n < 20; n++) history.pushState(n, ''); }"
    )
    assert page.evaluate("history.length") == before
    expect(view).to_contain_text("Live")
    expect(view).not_to_contain_text("stopped")


def test_a_pane_that_fills_the_history_of_the_tab_is_stopped(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    page = open_lab(bob)
    share(kernel, "history", {"text/html": FILLS})
    view = open_tab(page, bob, "history")
    expect(view).to_contain_text("filled the history of this tab", timeout=20_000)
    expect(view.locator("iframe")).to_have_count(0)
    shoot("history")
    assert page.evaluate("history.length") < 30


LONG = """<h1 id="top1">contents</h1>
<a href="#p%C3%A4r">by id</a> <a href="#named">by name</a>
<svg width="200" height="20"><a href="#svg"><text y="15">in a picture</text></a></svg>
<div style="height: 3000px"></div><p id="pär">found by id</p><a href="#">back from by id</a>
<div style="height: 3000px"></div><p><a name="named">found by name</a></p><a href="#top1">back from by name</a>
<div style="height: 3000px"></div><p id="svg">found in a picture</p><a href="#top">back from in a picture</a>
<div style="height: 3000px"></div>"""

FILLS = "<p>here</p><script>let n = 0; setInterval(() => { location.hash = n++; }, 50)</script>"

#: The links are real ones, and clicked by a script. It tells the page that it has begun.
LINKS = """<p>here</p><script>
let n = 0;
setInterval(() => {
  const link = document.createElement('a');
  link.href = `https://user@link${n++}.example/path`;
  document.body.append(link);
  link.click();
  link.remove();
  if (n % 5 === 0) parent.parent.postMessage({ links: n }, '*');
}, 100);
</script>"""


def test_links_of_a_script_are_offered_only_to_who_has_clicked_and_not_without_end(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    page = open_lab(bob)
    page.evaluate(
        """() => addEventListener('message', ({ data }) => {
          if (data?.links) window.links = data.links;
        })"""
    )
    share(kernel, "links", {"text/html": LINKS})
    view = open_tab(page, bob, "links")
    page.wait_for_function("window.links > 9", timeout=20_000)
    offered = view.locator(".jp-PeerPane-host")
    expect(offered).to_have_count(0)
    # Other pages of the frame that ask for a link one after the other have a limit in common.
    for _ in range(5):
        click_until(page, view, offered)
        expect(offered).to_contain_text(re.compile(r"^link\d+\.example$"))
        shoot("links")
        asked = page.evaluate("window.links")
        view.get_by_role("button", name="Do not open").click()
        # The click counts for a while, but it was good for one link.
        page.wait_for_function("asked => window.links > asked + 5", arg=asked)
        expect(offered).to_have_count(0)
    click_until(page, view, view.get_by_text("You opened none of the last links of this pane"))
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    expect(offered).to_have_count(0)
    view.get_by_role("button", name="Offer links again").click()
    click_until(page, view, offered)
    expect(offered).to_contain_text(re.compile(r"^link\d+\.example$"))


def click_until(page: Page, view: Locator, shown: Locator) -> None:
    """Click into the frame until something is shown: Chromium gives no press to a frame that has just moved."""

    def click() -> bool:
        click_in(page, view)
        with contextlib.suppress(AssertionError):
            expect(shown).to_be_visible(timeout=1000)
        return shown.is_visible()

    until_sync(click)


def click_in(page: Page, view: Locator) -> None:
    """Click into the frame where nothing is."""
    box = view.locator("iframe").bounding_box()
    assert box is not None
    # As long as a person does: a press that ends before the next picture is not reported.
    page.mouse.click(box["x"] + 300, box["y"] + 200, delay=150)
