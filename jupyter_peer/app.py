"""The server extension that Jupyter loads. It starts the node (:mod:`.server.start`)."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import default

from .server.context import SETTING, ServerContext
from .server.control.secrets import Secrets
from .server.http.routes import ROUTES
from .server.http.viewer_page import announce_sites
from .server.logs import forward_logs
from .server.node.addresses import certificate_of, local_url
from .server.node.jupyterhub import folder_at_hub
from .server.node.kernels import ServerKernels
from .server.settings.settings import PeerSettings

if TYPE_CHECKING:
    from .server.running import Running

log = logging.getLogger(__name__)

ACTIVITY_SETTING = "jupyter_peer_last_activity"
STOP_TIMEOUT_S = 5.0


class PeerExtension(PeerSettings, ExtensionApp):
    """Connects this Jupyter server with those of other people, one shared output at a time."""

    name = "jupyter_peer"
    description = "Share single live outputs with other people's Jupyter servers."

    @default("data_dir")
    def _default_data_dir(self) -> str:
        return str(Path(self._server.data_dir) / folder_at_hub(os.environ))

    @property
    def _server(self) -> Any:
        assert self.serverapp is not None
        return self.serverapp

    # Methods that Jupyter calls.

    def initialize_settings(self) -> None:
        """Prepare the objects that handlers share, without opening or starting anything."""
        self._stack: AsyncExitStack | None = None
        self._end_logs = forward_logs(self._server.log)
        self._secrets = Secrets(lambda kernel_id: kernel_id in self._kernels)
        self._kernels = ServerKernels(
            self._server.kernel_manager,
            self._secrets,
            url=lambda: local_url(self._server),
            directory=lambda: Path(self._server.runtime_dir),
            certificate=lambda: certificate_of(self._server),
        )
        self.context = ServerContext(self._start_node, self._secrets)
        self._kernels.on_ended(self.context.kernel_ended)
        self.settings[SETTING] = self.context
        announce_sites(self._server.web_app.settings, self.allow_pane_sites)

    def initialize_handlers(self) -> None:
        """Mount the routes."""
        self.handlers.extend(ROUTES)

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        # An error is in the log and in every answer. Jupyter itself keeps running.
        await asyncio.gather(self.context.ready(), return_exceptions=True)

    async def stop_extension(self) -> None:
        """Send `bye` to all peers and close everything; may be called twice."""
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._stop()
        except TimeoutError:
            log.warning("jupyter-peer did not stop within %s s", STOP_TIMEOUT_S)
        finally:
            self._kernels.close()
            self._end_logs()

    def current_activity(self) -> dict[str, int] | None:
        """Return the operations under way, so that a culler does not stop the server meanwhile."""
        running = self.context.running
        under_way = running.operations.under_way if running is not None else 0
        return {"under_way": under_way} if under_way else None

    # The node.

    async def _stop(self) -> None:
        await self.context.close()
        stack, self._stack = self._stack, None
        if stack is not None:
            await stack.aclose()

    async def _start_node(self) -> Running:
        # Imported here, so that a starting Jupyter server does not wait for the node's modules.
        from .server.start import start_node

        async with AsyncExitStack() as stack:
            running = await start_node(
                self, self._server, self._kernels, self._secrets, self._note_activity, stack
            )
            self._stack = stack.pop_all()
        return running

    def _note_activity(self) -> None:
        self._server.web_app.settings[ACTIVITY_SETTING] = datetime.now(UTC)
