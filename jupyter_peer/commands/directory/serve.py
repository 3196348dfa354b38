"""The command that serves a signed directory."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any, ClassVar

from traitlets import Int, Unicode

from ...directory.folder import PUBLISHED
from ...directory.serve import DirectoryServer
from ..application import TerminalCommand
from ..terminal import remark, tell


class ServeCommand(TerminalCommand):
    """Serves a directory's file until Ctrl-C or SIGTERM."""

    name = "jupyter-peer-directory-serve"
    words = "[FILE]"
    description = (
        "Serve the signed list (directory.json of this folder, or FILE) read-only, until Ctrl-C or "
        "SIGTERM. This needs no private key. Servers on other machines fetch a directory by "
        "https only: give --certfile, or put a proxy with a certificate in front."
    )
    examples = """
        jupyter peer directory serve --port=9100
        jupyter peer directory serve --ip=0.0.0.0 --port=443 --certfile=cert.pem --keyfile=key.pem
    """

    ip = Unicode("127.0.0.1", help="Address to listen on.").tag(config=True)
    port = Int(9100, min=0, max=65535, help="Port; 0 for a free one.").tag(config=True)
    certfile = Unicode("", help="PEM file of the certificate, to speak https.").tag(config=True)
    keyfile = Unicode("", help="PEM file of its private key.").tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "ip": "ServeCommand.ip",
        "port": "ServeCommand.port",
        "certfile": "ServeCommand.certfile",
        "keyfile": "ServeCommand.keyfile",
        "config": "JupyterApp.config_file",
        "log-level": "Application.log_level",
    }

    def run(self) -> None:
        """Serve."""
        path = Path(self.extra_args[0] if self.extra_args else PUBLISHED).expanduser()
        if not path.exists():
            remark(f"{path} does not exist yet; `jupyter peer directory sign` writes it")
        asyncio.run(self._serve(path))

    async def _serve(self, path: Path) -> None:
        server = DirectoryServer(path)
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        url = server.listen(
            self.ip,
            self.port,
            Path(self.certfile) if self.certfile else None,
            Path(self.keyfile) if self.keyfile else None,
        )
        try:
            tell(url)
            if not self.certfile and self.ip not in ("127.0.0.1", "::1", "localhost"):
                remark("servers on other machines fetch a directory only by https: give --certfile")
            await stopped.wait()
        finally:
            await server.close()
