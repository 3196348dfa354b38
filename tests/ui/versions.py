"""Pair, share and open in each supported JupyterLab and Notebook: ``make versions``.

Each version has a virtual environment of its own in ``.venv-versions``, with this checkout in it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.machine.needs import needs_program
from tests.ui.conftest import CHROMIUM_ARGS, WIDE
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content
from tests.ui.sidebar.test_panel import write_notebook
from tests.ui.sidebar.test_sidebar import PANEL

ROOT = Path(__file__).resolve().parents[2]
VENVS = ROOT / ".venv-versions"
VERSIONS = {
    **{
        f"jupyterlab-{each}": f"jupyterlab=={each}.*"
        for each in ("4.0", "4.2", "4.4", "4.5", "4.6")
    },
    "notebook-7": "notebook==7.*",
}


def environment(name: str) -> tuple[Path, str]:
    """Return the Python of a version's environment, made if it is missing, and what is installed."""
    python = VENVS / name / "bin" / "python"
    link = VENVS / name / "share" / "jupyter" / "labextensions" / "jupyter-peer"
    if not link.is_symlink():
        uv = ROOT / ".venv" / "bin" / "uv"
        subprocess.run(
            [uv, "venv", "-q", "--clear", "-p", sys.executable, VENVS / name], check=True
        )
        packages = [VERSIONS[name], "ipykernel", "-e", str(ROOT)]
        install = [uv, "pip", "install", "-q", "--python", python, *packages]
        subprocess.run(install, check=True, env=os.environ | {"SKIP_JUPYTER_BUILDER": "1"})
        # JupyterLab reads the bundle where it was built, so that a new build needs no new install.
        shutil.rmtree(link, ignore_errors=True)
        link.symlink_to(ROOT / "jupyter_peer" / "labextension")
    app = name.split("-")[0]
    code = f"import importlib.metadata as m; print(m.version('{app}'))"
    return python, subprocess.check_output([python, "-c", code], text=True).strip()


def open_notebook(page: Page, lab: Lab, app: str) -> None:
    """Open the notebook and, where the panel is hidden, show it."""
    path = "lab/tree" if app == "jupyterlab" else "notebooks"
    page.goto(f"{lab.url}/{path}/work.ipynb?token={lab.token}", wait_until="domcontentloaded")
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=60_000)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    if app == "jupyterlab":
        page.locator(f'.jp-SideBar.jp-mod-left [data-id="{PANEL[1:]}"]').click()
    else:
        page.get_by_role("menuitem", name="View").click()
        page.locator(".lm-Menu").get_by_text("Left Sidebar").click()
        page.locator(".lm-Menu").get_by_text("Show Peers").click()


def walk(browser: Browser, ada: Lab, bob: Lab, app: str) -> None:
    """Pair with an invite, share an output from its menu, and open it from the panel."""
    context = browser.new_context(viewport=WIDE)
    context.set_default_timeout(30_000)
    pages = []
    for lab in (ada, bob):
        write_notebook(lab, "work.ipynb", "# Loss\nprint('from ada')")
        page = context.new_page()
        open_notebook(page, lab, app)
        pages.append(page)
    hers, his = pages
    hers.bring_to_front()
    hers.locator(PANEL).get_by_role("button", name="Invite", exact=True).click()
    dialog = hers.get_by_role("dialog")
    dialog.get_by_role("button", name="Create invite").click()
    invite = dialog.get_by_role("textbox", name="The invite").input_value()
    dialog.get_by_role("button", name="Done").click()
    his.bring_to_front()
    his.locator(PANEL).get_by_role("button", name="Pair", exact=True).click()
    his.get_by_role("dialog").get_by_role("textbox", name="Paste the invite").fill(invite)
    his.keyboard.press("Enter")
    expect(his.locator(PANEL).get_by_role("list", name="Peers")).to_contain_text("ada")
    hers.bring_to_front()
    hers.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    hers.keyboard.press("Shift+Enter")
    output = hers.locator(".jp-OutputArea-output").first
    expect(output).to_contain_text("from ada", timeout=60_000)
    output.click(button="right")
    hers.locator(".lm-Menu").get_by_text("Share Output with a Peer…").click()
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(hers.locator(".jp-Peers-cellMark")).to_contain_text("1 peer can view it")
    his.bring_to_front()
    his.locator(PANEL).get_by_role("button", name="Open Loss of ada").click()
    body = content(his.locator(".jp-PeerPane:visible")).locator("body")
    expect(body).to_contain_text("from ada", timeout=60_000)
    context.close()


def smoke(name: str) -> str:
    """Walk through one version; return the version that was installed."""
    python, version = environment(name)
    app = name.split("-")[0]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        labs = [
            Lab(Path(folder) / each, each, python=str(python), app=app) for each in ("ada", "bob")
        ]
        try:
            ada, bob = (lab.started() for lab in labs)
            path = needs_program("chromium")
            browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
            try:
                walk(browser, ada, bob, app)
            finally:
                browser.close()
        finally:
            for lab in labs:
                lab.close()
    return version


def main() -> int:
    """Walk through all versions, or those named; return 1 if one has failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(VERSIONS))
    failed = 0
    for name in parser.parse_args().names or VERSIONS:
        began = time.monotonic()
        try:
            print(f"{name}: {smoke(name)} works ({time.monotonic() - began:.0f} s)", flush=True)
        except (AssertionError, RuntimeError, subprocess.CalledProcessError, TimeoutError) as error:
            failed += 1
            print(f"{name}: {error}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
