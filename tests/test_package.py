"""The doors of the package and what it ships."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jupyter_peer

ROOT = Path(__file__).resolve().parent.parent

# What a notebook pays for `import jupyter_peer` before it uses anything.
IMPORT = """
import sys
before = set(sys.modules)
import jupyter_peer
print(*sorted(m for m in set(sys.modules) - before if not m.startswith(("jupyter_peer", "__"))))
"""


def test_importing_the_package_imports_nothing_else() -> None:
    run = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


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
