"""The doors of the package and what it ships."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jupyter_peer

ROOT = Path(__file__).resolve().parents[2]

# What a notebook pays for `import jupyter_peer` before it uses anything.
IMPORT = """
import sys
before = set(sys.modules)
import jupyter_peer
print(*sorted(m for m in set(sys.modules) - before if not m.startswith(("jupyter_peer", "__"))))
"""

# What a starting Jupyter server waits for, beside its own modules.
LOADING = """
import sys
import jupyter_server.serverapp, jupyter_server.services.contents.largefilemanager
import jupyter_server.services.kernels.handlers
before = set(sys.modules)
import jupyter_peer.app
print(*sorted(set(sys.modules) - before))
"""

# What a notebook pays for `%load_ext jupyter_peer`, beside the modules of its kernel.
MAGICS = """
import sys
import ipykernel.ipkernel, ipykernel.kernelapp, ipykernel.zmqshell
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "jupyter_peer")
print(*sorted(set(sys.modules) - before))
"""


def test_importing_the_package_imports_nothing_else() -> None:
    assert imported_by(IMPORT) == []


def test_loading_the_extension_imports_no_node() -> None:
    modules = imported_by(LOADING)
    rooms = ("agents.turns", "doctor.", "hub.hub", "panes.", "server.operations.", "transports.lan")
    early = [name for name in modules if name.startswith(tuple(f"jupyter_peer.{r}" for r in rooms))]
    assert early == []
    assert 50 < len(modules) <= 150


def test_loading_the_magics_imports_no_client() -> None:
    modules = imported_by(MAGICS)
    assert "jupyter_peer.server_client.client" not in modules
    assert 10 < len(modules) <= 35


def imported_by(program: str) -> list[str]:
    """Return what a program prints, by word."""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return run.stdout.split()


def test_the_server_extension_is_found_by_its_app() -> None:
    (point,) = jupyter_peer._jupyter_server_extension_points()
    assert point["module"] == "jupyter_peer.app"
    assert point["app"].name == "jupyter_peer"


def test_the_browser_code_has_the_version_of_the_package() -> None:
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert package["version"] == jupyter_peer.__version__
    (labextension,) = jupyter_peer._jupyter_labextension_paths()
    assert labextension["dest"] == package["name"]


def test_the_server_extension_is_enabled_by_the_file_the_wheel_ships() -> None:
    shipped = ROOT / "jupyter-config" / "server-config" / "jupyter_peer.json"
    extensions = json.loads(shipped.read_text())["ServerApp"]["jpserver_extensions"]
    assert extensions == {"jupyter_peer": True}
