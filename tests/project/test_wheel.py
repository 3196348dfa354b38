"""The wheel, installed where there is no Node.js: everything is in it and enabled."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from jupyter_peer import __version__
from jupyter_peer.server.control.runtime_file import runtime_file
from tests.machine.needs import missing
from tests.machine.waiting import until_sync

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "jupyter_peer" / "labextension" / "package.json"
TIMEOUT_S = 150
#: Plotly, mermaid and MathJax are more than half of it; whoever adds more decides that it is worth its size.
MAX_WHEEL = 6_000_000


def run(*command: object, path: Path | None = None, **environment: str) -> str:
    """Run a program that has to succeed, and return all it says; ``path`` is all its PATH."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    if path is not None:
        environment["PATH"] = str(path)
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def find_uv() -> str | None:
    """Return the path of uv, where it is there."""
    return shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def make_environment(folder: Path, *packages: str) -> Path:
    """Install packages into a fresh environment, with uv where it is there, and return its bin.

    Where uv cannot reach the index as pip can, pip does it, as in the Makefile.
    """
    uv = find_uv()
    if uv is not None:
        try:
            run(uv, "venv", "-q", "--python", sys.executable, folder)
            run(uv, "pip", "install", "-q", "--python", folder / "bin" / "python", *packages)
        except AssertionError:
            shutil.rmtree(folder)
        else:
            return folder / "bin"
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin" / "python", "-m", "pip", "install", "-q", *packages)
    return folder / "bin"


def uninstall(programs: Path, package: str) -> None:
    """Uninstall a package from the environment of these programs."""
    uv, python = find_uv(), programs / "python"
    if uv is not None:
        run(uv, "pip", "uninstall", "-q", "--python", python, package)
    else:
        run(python, "-m", "pip", "uninstall", "-q", "-y", package)


def check_only_the_product_is_in(wheel: Path) -> None:
    """Check the file list: no benchmarks, no tests, no endpoint that cuts links."""
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.partition("/")[0] for name in names}
    base = f"jupyter_peer-{__version__}"
    assert folders == {"jupyter_peer", f"{base}.data", f"{base}.dist-info"}
    unwanted = re.compile(r"bench|fault_injection|scissors|(^|/)tests?/|conftest")
    assert [name for name in names if unwanted.search(name.partition(".data/")[0])] == []


@pytest.mark.timeout(3 * TIMEOUT_S)
def test_a_wheel_brings_server_extension_sidebar_and_commands_without_node(tmp_path: Path) -> None:
    if not BUNDLE.exists():
        missing("the browser code has not been built: make package")
    empty = tmp_path / "empty"
    empty.mkdir()
    run(
        sys.executable, "-m", "build", "-q", "--wheel", "--no-isolation", "-o", tmp_path, path=empty
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size <= MAX_WHEEL
    check_only_the_product_is_in(wheel)
    programs = make_environment(tmp_path / "fresh", str(wheel), "jupyterlab>=4.6,<4.7")

    # Alone on PATH, so that there is no Node.js and no other Jupyter.
    assert shutil.which("node", path=str(programs)) is None
    home = {"HOME": str(tmp_path / "home"), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}

    def jupyter(*words: str) -> str:
        told = run(programs / "jupyter", *words, path=programs, NO_COLOR="1", **home)
        return re.sub(r"\x1b\[[0-9;]*m", "", told)

    extensions = jupyter("server", "extension", "list")
    assert re.search(r"jupyter_peer enabled\n", extensions)
    assert re.search(rf"jupyter_peer {re.escape(__version__)} OK\n", extensions)
    assert re.search(
        rf"jupyter-peer v{re.escape(__version__)} enabled OK", jupyter("labextension", "list")
    )
    with pytest.raises(AssertionError, match=r"no_server: .*start one with `jupyter lab`"):
        jupyter("peer", "id")
    options = ("--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0")
    with subprocess.Popen(
        [programs / "jupyter-server", *options],
        cwd=tmp_path,
        env={"PATH": str(programs), **home},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            until_sync(runtime_file(tmp_path / "runtime", server.pid).exists, 60, "the server")
            assert re.search(r"\b[a-z2-7]{16}\b", jupyter("peer", "id"))
        finally:
            server.terminate()
    # `jupyter peer demo` has its notebooks, and the type checker the types.
    shipped = next((tmp_path / "fresh").glob("lib/python*/site-packages/jupyter_peer"))
    assert {path.name for path in (shipped / "demo" / "binder").iterdir()} == {
        "ada.ipynb",
        "alone.ipynb",
        "bob.ipynb",
    }
    assert (shipped / "py.typed").exists()
    assert not (shipped / "labextension").exists()  # one copy, where JupyterLab looks
    # Nothing of it is left but the identity of the person, which is not in the environment.
    uninstall(programs, "jupyter-peer")
    left = [path for path in (tmp_path / "fresh").rglob("*") if path.is_file()]
    assert [path for path in left if "peer" in str(path.relative_to(tmp_path)).lower()] == []
    assert list((tmp_path / "home").rglob("identity.key"))
