"""The server extension: the one place where concrete classes meet."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import default

from .control.fields import Done
from .files.data_dir import DataDir, load_or_make_identity, open_data_dir
from .hub.chat import Chats
from .hub.hub import PeerHub
from .lobby_client.lobby import LobbyClient
from .panes.kernel.tap import KernelTaps
from .panes.owner.publish import PanePublisher
from .panes.viewer.watch import PaneWatcher
from .primitives.clock import Clock
from .server.context import SETTING, ServerContext
from .server.control.notices import Notices
from .server.control.runtime_file import RunningServer, write_runtime_file
from .server.control.secrets import COMMAND_LINE, Secrets
from .server.logs import forward_logs
from .server.node.addresses import certificate_of, local_url
from .server.node.kernels import ServerKernels
from .server.node.transports import Transports
from .server.operations.operations import Operations
from .server.routes import ROUTES
from .server.running import Running
from .server.settings.settings import PeerSettings
from .store.store import Store
from .trust.base import TrustPolicy

log = logging.getLogger(__name__)

ACTIVITY_SETTING = "jupyter_peer_last_activity"
STOP_TIMEOUT_S = 5.0
#: Variables with secrets: they open the Jupyter server, or act for its user at JupyterHub.
SECRETS_OF_JUPYTER = ("JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN")


class PeerExtension(PeerSettings, ExtensionApp):
    """Connects this Jupyter server with those of other people, one shared output at a time."""

    name = "jupyter_peer"
    description = "Share single live outputs with other people's Jupyter servers."

    @default("data_dir")
    def _default_data_dir(self) -> str:
        return str(Path(self._server.data_dir) / "peer")

    @property
    def _server(self) -> Any:
        assert self.serverapp is not None
        return self.serverapp

    # What Jupyter calls.

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

    def initialize_handlers(self) -> None:
        """Mount the routes."""
        self.handlers.extend(ROUTES)

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        # An error is in the log and in every answer. Jupyter itself keeps running.
        await asyncio.gather(self.context.ready(), return_exceptions=True)

    async def stop_extension(self) -> None:
        """Say goodbye to all peers and close everything; may be called twice."""
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
        from .server.node.network_watch import NetworkWatch
        from .server.node.reach import Reach
        from .server.operations.agents import NodeAgents
        from .server.operations.doctor import doctor_of
        from .server.operations.lobby import lobby_client
        from .trust.modes import DIRECTORY, policy_for

        self.check_settings()
        config = self.hub_config()
        async with AsyncExitStack() as stack:
            data_dir = open_data_dir(Path(self.data_dir))
            stack.callback(data_dir.close)
            identity = load_or_make_identity(
                data_dir.path / "identity.key", lambda: secrets.token_bytes(32)
            )
            store = Store.open(data_dir.path / "peer.sqlite")
            stack.callback(store.close)

            def make_lobby() -> LobbyClient | None:
                return lobby_client(self, identity, lambda: hub, Clock().jitter)

            lobby = make_lobby()
            transports = Transports(self, self._server, identity, lambda: hub, lobby)
            stack.push_async_callback(transports.close)
            directory = None
            if self.trust_mode == DIRECTORY:
                from .server.node.directory import directory_of, keep_to

                directory = directory_of(self, data_dir.path)
                stack.push_async_callback(directory.close)
            elif self.directory_url:
                log.warning(
                    "PeerExtension.directory_url has no effect: trust_mode is %s", self.trust_mode
                )

            def members_only() -> TrustPolicy:
                from .trust.directory import DirectoryPolicy

                return DirectoryPolicy(
                    lambda: directory.current if directory else None, self.directory_groups
                )

            hub = PeerHub(
                identity=identity,
                store=store,
                transports=transports.all,
                policy=policy_for(
                    self.trust_mode,
                    store,
                    more={DIRECTORY: members_only},
                ),
                config=config,
            )
            stack.push_async_callback(hub.close)
            chats = Chats(hub)
            taps = KernelTaps(self._kernels.get, self._live_secrets)
            stack.callback(taps.close)
            publisher = PanePublisher(
                hub, taps, max_panes=self.max_panes, max_viewers=self.max_viewers
            )
            stack.push_async_callback(publisher.close)
            stack.callback(self._kernels.on_ended(taps.end))
            watcher = PaneWatcher(hub)
            stack.push_async_callback(watcher.close)
            agents = NodeAgents(hub, publisher, self.agent_config())
            stack.push_async_callback(agents.close)
            notices = Notices(
                {
                    "peers": lambda: operations.peers.all(),
                    "panes": lambda: operations.panes.all(),
                    "invites": Done,
                    "reach": Done,
                    "links": lambda: operations.links.all(),
                    "lobby": lambda: operations.lobby.model(),
                    "chat": lambda: operations.chat.news(),
                    "agents": agents.model,
                    "approval": agents.approvals_model,
                }
            )
            doctor = doctor_of(
                self, self._server, hub, data_dir, directory, lambda: operations.lobby.client
            )
            operations = Operations(
                hub,
                publisher,
                watcher,
                self._kernels,
                agents,
                on_activity=self._note_activity,
                on_change=notices.mark,
                doctor=doctor,
                chats=chats,
                page_url=transports.guest_page,
            )
            chats.on_change = lambda: notices.mark("chat")
            stack.push_async_callback(operations.lobby.close)
            await operations.lobby.use(lobby)
            reach = Reach(self, self._server, hub, transports, operations.lobby, make_lobby)
            operations.add_reach(reach, doctor)
            stack.callback(
                hub.subscribe(lambda event: notices.mark("peers", "invites", "links", "lobby"))
            )
            stack.callback(publisher.subscribe(lambda: notices.mark("panes", "links")))
            stack.callback(watcher.subscribe(lambda: notices.mark("panes", "peers")))
            stack.callback(agents.board.subscribe(lambda: notices.mark("agents")))
            stack.callback(agents.approvals.subscribe(lambda: notices.mark("approval")))
            await hub.start()
            await reach.start()
            network = NetworkWatch(transports.network_changed)
            network.start()
            stack.push_async_callback(network.close)
            if directory is not None:
                keep_to(directory, hub)
            self._write_runtime_file(hub, data_dir, stack)
            log.info("jupyter-peer is node %s (%s)", hub.node_id, hub.node_name)
            self._stack = stack.pop_all()
        return Running(operations, notices, transports.direct)

    def _write_runtime_file(self, hub: PeerHub, data_dir: DataDir, stack: AsyncExitStack) -> None:
        running = RunningServer(
            url=local_url(self._server),
            secret=self._secrets.mint(COMMAND_LINE),
            pid=os.getpid(),
            node_id=hub.node_id,
            data_dir=str(data_dir.path),
            certificate=certificate_of(self._server),
        )
        try:
            path = write_runtime_file(Path(self._server.runtime_dir), running)
        except OSError as error:
            log.warning(
                "`jupyter peer` will not find this server, because writing its file failed: %s",
                error,
            )
        else:
            stack.callback(path.unlink, missing_ok=True)

    def _live_secrets(self) -> list[str]:
        """Return the secrets that no pane may show: they open this server or act for its user."""
        of_jupyter = [os.environ.get(name, "") for name in SECRETS_OF_JUPYTER]
        of_jupyter.append(getattr(self._server.identity_provider, "token", ""))
        return [*self._secrets.live(), *filter(None, of_jupyter)]

    def _note_activity(self) -> None:
        self._server.web_app.settings[ACTIVITY_SETTING] = datetime.now(UTC)
