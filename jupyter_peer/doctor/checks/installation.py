"""Checks the installed parts and whether Jupyter finds them; needs no server."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import platform
from collections.abc import Iterable
from pathlib import Path

from ..._version import __version__
from ...findings import Finding, failed, ok, skipped, warning
from ...phrase import phrase

_SHOWN = ("jupyter_server", "jupyterlab", "notebook", "tornado")
_EXTRAS = {"webrtc": "aiortc", "webrtc-fast": "wrtc", "cluster": "nats", "mcp": "mcp"}
_EXTENSION = "jupyter-peer"


def check_versions() -> list[Finding]:
    """Return the versions that run here and the installed extras."""
    versions = {"jupyter-peer": __version__, "Python": platform.python_version()}
    for name in _SHOWN:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    extras = [extra for extra, module in _EXTRAS.items() if importlib.util.find_spec(module)]
    text = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [
        ok(
            "versions",
            phrase("{versions}. Extras: {extras}.", versions=text, extras=", ".join(extras) or "-"),
            versions=versions,
            extras=extras,
        )
    ]


def check_browser_side(folders: Iterable[str | Path]) -> list[Finding]:
    """Return whether JupyterLab finds the sidebar in the server's version.

    Args:
        folders: Jupyter's directories for labextensions; the first one with a sidebar counts.
    """
    hint = phrase(
        "reinstall jupyter-peer in JupyterLab's environment; see `jupyter labextension list`"
    )
    for folder in folders:
        package = Path(folder) / _EXTENSION / "package.json"
        try:
            fields = json.loads(package.read_text(encoding="utf-8"))
            version = fields["version"]
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError):
            return [failed("sidebar", phrase("Reading {package} failed.", package=package), hint)]
        if version != __version__:
            return [
                warning(
                    "sidebar",
                    phrase(
                        "JupyterLab's sidebar has version {version}, the server has {own}.",
                        version=str(version)[:40],
                        own=__version__,
                    ),
                    phrase(
                        "reinstall jupyter-peer in JupyterLab's environment; then reload the page"
                    ),
                )
            ]
        return [ok("sidebar", phrase("JupyterLab finds the sidebar, in the server's version."))]
    if importlib.util.find_spec("jupyterlab") is None:
        return [
            skipped("sidebar", phrase("JupyterLab is not installed here; the sidebar needs it."))
        ]
    return [failed("sidebar", phrase("JupyterLab does not find the sidebar."), hint)]


def check_server_side(folders: Iterable[str | Path]) -> list[Finding]:
    """Return whether Jupyter servers load the extension.

    Args:
        folders: Jupyter's configuration directories, in order of precedence.
    """
    for folder in folders:
        for path in _config_files(Path(folder)):
            try:
                fields = json.loads(path.read_text(encoding="utf-8"))
                is_on = fields["ServerApp"]["jpserver_extensions"]["jupyter_peer"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if is_on is True:
                return [
                    ok(
                        "extension",
                        phrase("Jupyter servers load the extension, because of {path}.", path=path),
                    )
                ]
            return [
                failed(
                    "extension",
                    phrase("{path} disables the extension.", path=path),
                    phrase("jupyter server extension enable jupyter_peer"),
                )
            ]
    return [
        failed(
            "extension",
            phrase("No configuration lets Jupyter servers load the extension."),
            phrase("jupyter server extension enable jupyter_peer, or reinstall the package"),
        )
    ]


def _config_files(folder: Path) -> list[Path]:
    return [
        folder / "jupyter_server_config.json",
        *sorted((folder / "jupyter_server_config.d").glob("*.json")),
    ]
