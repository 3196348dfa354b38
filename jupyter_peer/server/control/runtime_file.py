"""The file through which the command line finds the servers of its user that are running.

``{Jupyter's runtime directory}/jupyter-peer-<pid>.json``, mode 0600: it holds a secret that opens
the control socket.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ...files.durable_files import replace_file


class RunningServer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The facts of a server that the command line needs.

    Attributes:
        url: URL with the base URL, as seen from the same machine.
        secret: Secret for the header ``Authorization: peer-secret ...``.
        pid: Id of its process; the file may outlive the process.
        node_id: Id of the node.
        node_name: Name of the node.
        data_dir: Directory of its identity and store.
        certificate: Path of its TLS certificate, to be pinned.
    """

    url: str
    secret: str
    pid: int
    node_id: str
    data_dir: str
    certificate: str | None = None
    node_name: str = ""


def runtime_file(directory: Path, pid: int) -> Path:
    """Return the path of a server's file."""
    return directory / f"jupyter-peer-{pid}.json"


def write_runtime_file(directory: Path, server: RunningServer) -> Path:
    """Write the file of a server atomically.

    Raises:
        OSError: It cannot be written.
    """
    path = runtime_file(directory, server.pid)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, msgspec.json.encode(server))
    return path
