"""Real JupyterLab servers and a real Chromium."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.machine.needs import needs_program
from tests.ui.lab import Lab, open_workspace

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
WIDE = {"width": 1280, "height": 800}


@pytest.fixture
def jp_asyncio_loop() -> None:
    """Override pytest-jupyter's: it would close the loop that Playwright runs on."""


@pytest.fixture
def jp_server_cleanup() -> None:
    """Override pytest-jupyter's, for the same reason."""


# Module scope, not session: while it is open Playwright keeps an event loop running, and
# coroutine tests of other folders cannot run then.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium of the system."""
    path = needs_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def start_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Lab]]:
    """``start_lab("ada")`` starts a JupyterLab whose node has that name."""
    labs: list[Lab] = []

    def start(name: str, *args: str, is_named: bool = True) -> Lab:
        labs.append(Lab(tmp_path_factory.mktemp(name), name, *args, is_named=is_named))
        return labs[-1].started()

    yield start
    for lab in labs:
        lab.close()


@pytest.fixture(scope="module")
def start_labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., list[Lab]]]:
    """``start_labs(["ada", "bob"], *options)`` starts several, which takes little longer than one."""
    labs: list[Lab] = []

    def start(names: Sequence[str], *args: str) -> list[Lab]:
        started = [Lab(tmp_path_factory.mktemp(name), name, *args) for name in names]
        labs.extend(started)
        return [lab.started() for lab in started]

    yield start
    for lab in labs:
        lab.close()


@pytest.fixture(scope="module")
def both(start_labs: Callable[..., list[Lab]]) -> list[Lab]:
    """Ada's JupyterLab and Bob's; a module with other names or settings has its own."""
    return start_labs(["ada", "bob"])


@pytest.fixture(scope="module")
def ada(both: list[Lab]) -> Lab:
    """Ada's server."""
    return both[0]


@pytest.fixture(scope="module")
def bob(both: list[Lab]) -> Lab:
    """Bob's server, paired with Ada's; a module in which people pair has its own."""
    ada, bob = both
    bob.pair_with(ada)
    return bob


class PageErrors(list[str]):
    """What pages logged as errors."""

    allowed = False

    def allow(self) -> None:
        """Accept errors that the test provokes, those too that the browser reports later."""
        self.allowed = True


@pytest.fixture
def page_errors() -> PageErrors:
    """What pages logged as errors; none may be left, unless they are allowed."""
    return PageErrors()


@pytest.fixture
def page(browser: Browser, page_errors: PageErrors) -> Iterator[Page]:
    """A page of a fresh profile; the test fails when it logs an error."""
    context = browser.new_context(viewport=WIDE)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.on("pageerror", lambda error: page_errors.append(str(error)))
    page.on("console", lambda m: page_errors.append(m.text) if m.type == "error" else None)
    yield page
    context.close()
    assert page_errors.allowed or page_errors == []


@pytest.fixture
def open_lab(page: Page) -> Callable[..., Page]:
    """``open_lab(lab)`` opens it in the page, in a workspace that no other test has touched.

    With ``new=True`` it opens in another page of the same browser.
    """
    first = page

    def opened(lab: Lab, *, new: bool = False) -> Page:
        page = first.context.new_page() if new else first
        open_workspace(page, lab)
        return page

    return opened


@pytest.fixture
def shoot(page: Page, request: pytest.FixtureRequest) -> Callable[..., None]:
    """``shoot("dark")`` saves a picture of the page into the folder UI_SHOTS, if that is set.

    Of another page than the first with ``of=``.
    """
    first = page

    def save(what: str, of: Page | None = None) -> None:
        folder = os.environ.get("UI_SHOTS")
        if folder:
            path = Path(folder) / f"{request.node.originalname}-{what}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            (of or first).screenshot(path=str(path))

    return save
