"""The page of guest links in cold Chromium profiles that have nothing of Jupyter."""

from __future__ import annotations

import contextlib
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.machine.proxies import PROXIES, proxied
from tests.machine.waiting import until_sync
from tests.relay.process import RelayProcess, relay_process
from tests.ui.axe import assert_accessible
from tests.ui.firefox import Firefox
from tests.ui.guest_pages import SHARE, STEP, content, expect_status, guests, make
from tests.ui.kernels import Kernel, running_kernel
from tests.ui.lab import Lab

#: What JupyterLab's style sheets draw with the variables of its theme.
LOOKS = r"""%%peer share looks
from IPython.display import Markdown, display
print("\x1b[7minverse\x1b[0m")
display(Markdown("# One\n\n```python\ndef f(): pass\n```\n\n<div class='alert alert-info'>told</div>"))"""
#: How deep the content's frame is in the page.
CONTENT = 2
HAS_SLIDER = "document.querySelector('.noUi-handle') !== null"
NO_WEBCRYPTO = "Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined })"
#: What a relay says without the owner.
LIE = '{"error": {"code": "stopped"}}'
#: Guests for whom a group pays.
CLASS = 4
PHONE = {"width": 390, "height": 700}


@pytest.fixture(scope="module")
def relay() -> Iterator[RelayProcess]:
    """A relay as operators run it."""
    with relay_process() as process:
        yield process


@pytest.fixture(scope="module")
def ada(start_lab: Callable[..., Lab], relay: RelayProcess) -> Lab:
    """Ada's server, which guests reach by the relay, its own port, and a port for peers."""
    return start_lab(
        "ada",
        f"--PeerExtension.relay_url={relay.url}",
        "--PeerExtension.peer_listen=127.0.0.1:0",
    )


@pytest.fixture(scope="module")
def kernel(ada: Lab) -> Iterator[Kernel]:
    """A kernel of Ada's that shares the pane ``loss``."""
    with running_kernel(ada) as kernel:
        kernel.run(SHARE)
        yield kernel


@pytest.fixture(scope="module")
def proxies(ada: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The URLs of proxies with TLS before Ada's Jupyter, as the documentation writes them."""
    with contextlib.ExitStack() as stack:
        yield {
            kind: f"https://localhost:{port}"
            for kind in PROXIES
            for port in [
                stack.enter_context(
                    proxied(kind, tmp_path_factory.mktemp(kind), ada.url.removeprefix("http://"))
                )
            ]
        }


@pytest.fixture
def cold(browser: Browser, page_errors: list[str]) -> Iterator[Callable[..., Page]]:
    """Open a URL in a profile of its own; the test fails when a page logs an error."""
    with contextlib.ExitStack() as stack:

        def open_cold(url: str, *, script: str = "", **options: Any) -> Page:
            context = browser.new_context(**options)
            stack.callback(context.close)
            context.set_default_timeout(15_000)
            page = context.new_page()
            page.add_init_script(script)
            page.on("pageerror", lambda error: page_errors.append(str(error)))
            page.on("console", lambda m: page_errors.append(m.text) if m.type == "error" else None)
            page.goto(url)
            return page

        yield open_cold
    assert page_errors == []


def members(relay: RelayProcess) -> int:
    """How many nodes share one copy of updates at the relay."""
    with urllib.request.urlopen(relay.url.replace("ws://", "http://") + "/metrics") as page:
        found = re.search(r"^jupyter_peer_relay_group_members (\d+)$", page.read().decode(), re.M)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("way", ["relay", "peer_listen", "jupyter", *PROXIES])
def test_a_cold_browser_sees_the_pane_live(
    ada: Lab, kernel: Kernel, proxies: dict[str, str], cold: Callable[..., Page], way: str
) -> None:
    link = make(ada)
    for kind, url in proxies.items():
        link[kind] = link["jupyter"].replace(ada.url, url)
    page = cold(link[way], ignore_https_errors=True)
    expect_status(page, "Live")
    expect(page.locator("#who")).to_have_text("ada/loss")
    expect(page.locator("#title")).to_have_text("Loss of the training")
    expect(page.locator("#facts")).to_have_text("you can view it")
    expect(content(page).locator("#drawn")).to_have_text("drawn by a script")
    expect(content(page).locator(".json-key")).to_have_text(["root", "rate", "layers"])
    kernel.run(STEP.format(way))
    expect(content(page).get_by_text(f"plot {way}")).to_be_visible()
    (guest,) = guests(ada, link["id"])
    assert guest["path"] == ("relay" if way == "relay" else "direct")
    fingerprint = ada.api("GET", "identity")["fingerprint"]
    page.locator("#about summary").click()
    shown = page.locator("#fingerprint").inner_text()
    assert fingerprint.startswith(shown)
    expect(page.locator("#whose")).to_have_text(f"What is below comes from ada, key {shown}.")
    assert len(shown) == 19
    assert page.context.cookies() == []
    page.close()
    until_sync(lambda: not guests(ada, link["id"]))


def test_outputs_look_as_in_jupyterlab_in_the_theme_of_the_system(
    ada: Lab, kernel: Kernel, cold: Callable[..., Page]
) -> None:
    kernel.run(LOOKS)
    page = cold(make(ada, pane="looks")["jupyter"], color_scheme="dark")
    inside = content(page)
    heading, code = inside.get_by_role("heading", name="One"), inside.locator("pre code span")
    # The values are those of JupyterLab's themes.
    for scheme, ground, ink in (
        ("dark", "rgb(17, 17, 17)", "rgb(255, 255, 255)"),
        ("light", "rgb(255, 255, 255)", "rgb(17, 17, 17)"),
    ):
        page.emulate_media(color_scheme=scheme)
        expect(inside.locator("html")).to_have_css("background-color", ground)
        expect(inside.get_by_text("inverse")).to_have_css("background-color", ink)
        expect(heading).to_have_css("font-size", "29.0304px")
        expect(code.first).to_have_css("font-family", re.compile("monospace"))
        expect(inside.locator(".alert")).to_have_css("border-top-style", "solid")
        expect(inside.locator(".alert")).to_have_css("background-color", re.compile(r"rgb\("))


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """Debian's Firefox with an empty profile."""
    firefox = Firefox(tmp_path_factory.mktemp("firefox"))
    yield firefox
    firefox.close()


def test_a_cold_firefox_sees_the_pane_live_by_each_way(
    ada: Lab, kernel: Kernel, proxies: dict[str, str], firefox: Firefox
) -> None:
    link = make(ada)
    link["nginx"] = link["jupyter"].replace(ada.url, proxies["nginx"])
    tabs = {way: firefox.open(link[way]) for way in ("relay", "peer_listen", "nginx")}
    for tab in tabs.values():
        until_sync(lambda tab=tab: tab.text("#status-words").startswith("Live"), 20)
        until_sync(lambda tab=tab: tab.text("#drawn", CONTENT) == "drawn by a script", 20)
        assert tab.text("#who") == "ada/loss"
        until_sync(lambda tab=tab: tab.evaluate(HAS_SLIDER, CONTENT), 20)
    kernel.run(STEP.format("firefox"))
    for tab in tabs.values():
        until_sync(lambda tab=tab: "plot firefox" in tab.text("body", CONTENT), 20)
    assert len(guests(ada, link["id"])) == len(tabs)
    ada.api("DELETE", f"links/{link['id']}")
    for tab in tabs.values():
        until_sync(lambda tab=tab: tab.text("#status-words").startswith("This link was stopped"))
        assert tab.evaluate("document.querySelectorAll('iframe').length") == 0
    # The policy of the page lets nothing load from elsewhere, not even an icon.
    assert [error for error in firefox.errors if "favicon.ico" not in error] == []


def test_a_guest_with_use_moves_a_widget_and_one_with_view_does_not(
    ada: Lab, kernel: Kernel, cold: Callable[..., Page]
) -> None:
    page = cold(make(ada, grant="interact")["peer_listen"])
    expect(page.locator("#facts")).to_have_text("you can use it")
    handle = content(page).locator(".noUi-handle")
    handle.click()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(content(page).get_by_text("moved to")).to_be_visible()
    # Without TLS and on another computer a page has no WebCrypto; it brings what it needs.
    looks_only = cold(make(ada)["peer_listen"], script=NO_WEBCRYPTO)
    expect(looks_only.locator("#facts")).to_have_text("you can view it")
    expect(content(looks_only).locator(".peer-look-only")).to_be_attached()


def test_stopping_the_link_blanks_the_page_and_dropping_one_leaves_two(
    ada: Lab, kernel: Kernel, cold: Callable[..., Page]
) -> None:
    link, other = make(ada), make(ada)
    pages = [cold(link[way]) for way in ("relay", "jupyter", "peer_listen")]
    stays = cold(other["relay"])
    for page in (*pages, stays):
        expect(content(page).locator("#drawn")).to_be_visible()
    pages[1].locator("#you summary").click()
    pages[1].get_by_label("Your name").fill("Grace")
    pages[1].get_by_label("Your name").press("Enter")
    until_sync(lambda: [g for g in guests(ada, link["id"]) if g["name"] == "Grace"])
    (grace,) = [g for g in guests(ada, link["id"]) if g["name"] == "Grace"]
    ada.api("DELETE", f"links/{link['id']}/guests/{grace['id']}")
    expect_status(pages[1], "closed this pane for you")
    expect(pages[1].locator("iframe")).to_have_count(0)
    kernel.run(STEP.format("after"))
    for page in (pages[0], pages[2]):
        expect(content(page).get_by_text("plot after")).to_be_visible()
    ada.api("DELETE", f"links/{link['id']}")
    for page in (pages[0], pages[2]):
        expect(page.locator("iframe")).to_have_count(0, timeout=1000)
        expect_status(page, "stopped by its owner")
    expect_status(stays, "Live")
    # Who comes back finds nothing either.
    pages[0].reload()
    expect_status(pages[0], "was stopped, or is not complete")


def test_a_reload_keeps_the_place_also_when_there_is_only_one(
    ada: Lab, kernel: Kernel, cold: Callable[..., Page]
) -> None:
    link = make(ada, max_guests=1)
    page = cold(link["relay"], viewport=PHONE)
    expect_status(page, "Live")
    (before,) = guests(ada, link["id"])
    page.reload()
    expect_status(page, "Live")
    expect(content(page).locator("#drawn")).to_be_visible()
    (after,) = until_sync(lambda: guests(ada, link["id"]))
    assert before["id"] == after["id"]
    second = cold(link["relay"])
    expect_status(second, "All places of this link are taken")
    page.close()
    second.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect_status(second, "Live")


def test_a_link_without_its_end_or_with_another_key_opens_nothing(
    ada: Lab, kernel: Kernel, cold: Callable[..., Page]
) -> None:
    link = make(ada)
    expect_status(cold(link["relay"].partition("#")[0]), "not complete")
    head, _, key = link["peer_listen"].rpartition(".")
    swapped = key[:-2] + ("AA" if key[-2:] != "AA" else "BA")
    expect_status(cold(f"{head}.{swapped}"), "Another computer answered")
    secret = head.rpartition(".")[0] + "." + "A" * 22
    expect_status(cold(f"{secret}.{key}"), "was stopped, or is not complete")
    assert guests(ada, link["id"]) == []


def test_tabs_and_duplicates_of_a_tab_are_guests_of_their_own(
    ada: Lab, kernel: Kernel, cold: Callable[..., Page]
) -> None:
    link = make(ada)
    first = cold(link["relay"])
    expect_status(first, "Live")
    second = first.context.new_page()
    second.goto(link["relay"])
    # A tab that another opens begins with its storage, as a duplicate does, and so with its key.
    with first.expect_popup() as opened:
        first.evaluate("void window.open(location.href)")
    tabs = (first, second, opened.value)
    until_sync(lambda: len(guests(ada, link["id"])) == len(tabs))
    kernel.run(STEP.format("tabs"))
    for tab in tabs:
        expect_status(tab, "Live")
        expect(content(tab).get_by_text("plot tabs")).to_be_visible()


def flipped(frames: list[bytes]) -> list[bytes]:
    return [frame[:-1] + bytes([frame[-1] ^ 1]) for frame in frames]


@pytest.mark.parametrize(
    "tamper",
    [
        flipped,
        lambda frames: [*frames, *frames],
        lambda frames: frames[::-1],
        lambda frames: frames[1:],
    ],
    ids=["alters", "repeats", "reorders", "drops"],
)
def test_a_relay_that_tampers_shows_a_guest_nothing_and_cannot_end_the_link(
    ada: Lab,
    kernel: Kernel,
    cold: Callable[..., Page],
    tamper: Callable[[list[bytes]], list[bytes]],
) -> None:
    is_hostile = True

    def between(page: WebSocketRoute) -> None:
        owner = page.connect_to_server()
        held: list[bytes] = []

        def pass_on(frame: str | bytes) -> None:
            # What is sealed comes in binary frames (form 0), once the handshake is over.
            if not is_hostile or isinstance(frame, str) or frame[1] or frame[43]:
                page.send(frame)
                return
            held.append(frame)
            if len(held) == 2:
                for each in tamper(held):
                    page.send(each)
                page.send(LIE)

        owner.on_message(pass_on)

    page = cold("about:blank")
    page.route_web_socket("**/relay-ws", between)
    page.goto(make(ada)["relay"])
    expect(page.locator("#status-words")).to_contain_text(re.compile("not answer", re.IGNORECASE))
    expect(content(page).locator("#drawn")).to_have_count(0)
    is_hostile = False
    page.evaluate("dispatchEvent(new Event('online'))")
    expect_status(page, "Live")
    expect(content(page).locator("#drawn")).to_be_visible()


def test_the_page_says_that_the_kernel_is_gone_and_goes_on_with_the_next(
    ada: Lab, cold: Callable[..., Page]
) -> None:
    with running_kernel(ada) as first:
        first.run(SHARE.replace("share loss", "share short"))
        made = ada.api("POST", "links", {"pane": "short"})
        page = cold(made["link"])
        expect(content(page).locator("#drawn")).to_be_visible()
    expect_status(page, "Ended")
    with running_kernel(ada) as second:
        second.run(SHARE.replace("share loss", "share short").replace("step 0", "step new"))
        expect_status(page, "Live")
        expect(content(page).get_by_text("step new")).to_be_visible()


def test_a_class_follows_a_notebook_cell_by_cell(
    ada: Lab, relay: RelayProcess, cold: Callable[..., Page]
) -> None:
    with running_kernel(ada) as kernel:
        kernel.run("print('before the class')")
        kernel.run("%load_ext jupyter_peer")
        kernel.run('%peer present lecture --title "The lecture"')
        link = ada.api("POST", "links", {"pane": "lecture"})
        page, *others = pages = [cold(link["link"]) for _ in range(CLASS)]
        for each in pages:
            expect_status(each, "Live")
        expect(page.locator("#title")).to_have_text("The lecture")
        until_sync(lambda: members(relay) == CLASS)
        kernel.run("print('first')")
        kernel.run("import ipywidgets\nipywidgets.IntSlider(description='n')")
        kernel.run(
            "from IPython.display import clear_output\n"
            "print('gone')\nclear_output(wait=True)\nprint('stays')"
        )
        expect(content(page).get_by_text("stays")).to_be_visible()
        expect(content(page).get_by_text("first")).to_be_visible()
        expect(content(page).locator(".noUi-handle")).to_be_visible()
        body = content(page).locator("body")
        expect(body).not_to_contain_text("gone")
        expect(body).not_to_contain_text("before the class")
        expect(body).not_to_contain_text("print")
        for each in others:
            expect(content(each).get_by_text("stays")).to_be_visible()
        until_sync(lambda: members(relay) == CLASS)
        ada.api("DELETE", f"links/{link['id']}/guests/{guests(ada, link['id'])[0]['id']}")
        kernel.run("print('after one was dropped')")
        words = [content(each).get_by_text("after one was dropped") for each in pages]
        until_sync(lambda: sum(each.count() for each in words) == CLASS - 1)
        stays = next(each for each, seen in zip(pages, words, strict=True) if seen.count())
        kernel.run("%peer unshare lecture")
        expect_status(stays, "stopped by its owner")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_in_light_and_dark(
    ada: Lab, kernel: Kernel, cold: Callable[..., Page], scheme: str, shoot: Callable[..., None]
) -> None:
    page = cold(make(ada)["jupyter"], viewport=PHONE, color_scheme=scheme)
    expect(content(page).locator("#drawn")).to_be_visible()
    # Nothing scrolls while the content is short.
    page.wait_for_function(
        "() => { const root = document.documentElement;"
        " return root.scrollWidth <= innerWidth && root.scrollHeight <= innerHeight; }"
    )
    dark = content(page).locator("body").get_attribute("data-jp-theme-light")
    assert dark == ("true" if scheme == "light" else "false")
    assert_accessible(page.locator("html"), content(page).locator("html"))
    shoot(scheme, of=page)


def test_another_site_cannot_frame_the_page(
    ada: Lab, kernel: Kernel, cold: Callable[..., Page], page_errors: list[str]
) -> None:
    link = make(ada)

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<iframe src="{link["relay"]}"></iframe>'.encode())

        def log_message(self, *args: Any) -> None:
            pass

    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Thread(target=site.serve_forever, daemon=True).start()
    try:
        page = cold(f"http://localhost:{site.server_port}/")
        until_sync(lambda: any("frame" in error.lower() for error in page_errors))
        page.close()
    finally:
        site.shutdown()
        site.server_close()
    page_errors[:] = [
        e for e in page_errors if "frame" not in e.lower() and "Failed to load" not in e
    ]
    assert guests(ada, link["id"]) == []


def test_content_that_looks_like_the_header_stays_below_it(
    ada: Lab, cold: Callable[..., Page]
) -> None:
    posing = (
        "from IPython.display import HTML, display\n"
        "display(HTML('<div style=\"position:fixed;top:-200px;left:0;z-index:99999;"
        "height:600px;width:100%;background:red\" id=pose>Live</div>'))"
    )
    with running_kernel(ada) as kernel:
        kernel.run("%%peer share pose\n" + posing)
        page = cold(ada.api("POST", "links", {"pane": "pose"})["link"])
        expect(content(page).locator("#pose")).to_be_attached()
        top = page.evaluate(
            "() => { const box = document.querySelector('#who').getBoundingClientRect();"
            " return document.elementFromPoint(box.x + 2, box.y + 2).id; }"
        )
        assert top == "who"
        ada.api("DELETE", "panes/pose")
        expect_status(page, "stopped by its owner")


def test_nothing_of_the_link_reaches_the_relay_or_a_log(
    ada: Lab, kernel: Kernel, relay: RelayProcess, cold: Callable[..., Page]
) -> None:
    link = make(ada)
    page = cold(link["relay"])
    sent: list[str] = []
    referrers: list[str | None] = []
    page.on("request", lambda request: sent.append(request.url + str(request.headers)))
    page.on("request", lambda request: referrers.append(request.headers.get("referer")))
    page.reload()
    expect_status(page, "Live")
    secret = link["relay"].rpartition("#")[2].split(".")[1]
    assert sent
    assert not any(referrers)
    assert not [text for text in sent if secret in text]
    assert secret not in ada.log + relay.said()
    with pytest.raises(urllib.error.HTTPError):
        ada.api("DELETE", f"links/{secret}")
