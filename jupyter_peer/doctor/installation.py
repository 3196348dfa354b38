"""What is installed in this Python, and whether Jupyter finds it; needs no server."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import platform
from collections.abc import Iterable
from pathlib import Path

from .._version import __version__
from ..findings import Finding, failed, ok, skipped, warning

_SHOWN = ("jupyter_server", "jupyterlab", "notebook", "tornado")
_EXTRAS = {"webrtc": "aiortc", "cluster": "nats", "mcp": "mcp"}
_EXTENSION = "jupyter-peer"


def check_versions() -> list[Finding]:
    """Return what runs here, and which extras are there."""
    versions = {"jupyter-peer": __version__, "Python": platform.python_version()}
    for name in _SHOWN:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    extras = [extra for extra, module in _EXTRAS.items() if importlib.util.find_spec(module)]
    text = ", ".join(f"{name} {version}" for name, version in versions.items())
    extra = f" Extras: {', '.join(extras)}." if extras else ""
    return [ok("versions", f"{text}.{extra}", versions=versions, extras=extras)]


def check_browser_side(folders: Iterable[str | Path]) -> list[Finding]:
    """Return whether JupyterLab finds the sidebar, and in the same version.

    Args:
        folders: Jupyter's directories for labextensions, first found first used.
    """
    hint = "reinstall jupyter-peer in the environment of JupyterLab; `jupyter labextension list` shows it"
    for folder in folders:
        package = Path(folder) / _EXTENSION / "package.json"
        try:
            fields = json.loads(package.read_text(encoding="utf-8"))
            version = fields["version"]
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError):
            return [failed("sidebar", f"{package} cannot be read.", hint)]
        if version != __version__:
            return [
                warning(
                    "sidebar",
                    f"JupyterLab's sidebar is of version {str(version)[:40]}, the server of "
                    f"{__version__}.",
                    f"{hint}; then reload the page",
                )
            ]
        return [ok("sidebar", "JupyterLab finds the sidebar, in the version of the server.")]
    if importlib.util.find_spec("jupyterlab") is None:
        return [skipped("sidebar", "JupyterLab is not installed here; the sidebar needs it.")]
    return [failed("sidebar", "JupyterLab does not find the sidebar.", hint)]


def check_server_side(folders: Iterable[str | Path]) -> list[Finding]:
    """Return whether Jupyter servers load the extension.

    Args:
        folders: Jupyter's configuration directories, the strongest first.
    """
    for folder in folders:
        for path in _config_files(Path(folder)):
            try:
                fields = json.loads(path.read_text(encoding="utf-8"))
                is_on = fields["ServerApp"]["jpserver_extensions"]["jupyter_peer"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if is_on is True:
                return [ok("extension", f"Jupyter servers load it, by {path}.")]
            return [
                failed(
                    "extension",
                    f"{path} switches it off.",
                    "jupyter server extension enable jupyter_peer",
                )
            ]
    return [
        failed(
            "extension",
            "No configuration makes Jupyter servers load it.",
            "jupyter server extension enable jupyter_peer, or reinstall the package",
        )
    ]


def _config_files(folder: Path) -> list[Path]:
    return [
        folder / "jupyter_server_config.json",
        *sorted((folder / "jupyter_server_config.d").glob("*.json")),
    ]
