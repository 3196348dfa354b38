"""The relay program."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, ClassVar, cast

from traitlets import Bool, Float, Int, List, Unicode

from ..primitives.log_pace import LogPace
from ..relay.broker.limits import KIB, MIB, Limits
from ..relay.lobby.limits import LobbyLimits
from ..sockets.guest_page import guest_page
from .application import TerminalCommand
from .terminal import tell


class RelayCommand(TerminalCommand):
    """Runs a relay."""

    name = "jupyter-peer-relay"
    description = (
        "Run a relay: it carries the links of nodes that cannot reach each other. The traffic "
        "is sealed between the nodes; the relay sees who talks to whom and how much. Ends at "
        "Ctrl-C or "
        "SIGTERM, after it has sent what is queued. `/health` and `/metrics` show its state."
    )
    examples = """
        jupyter peer relay                         # for nodes of this machine
        jupyter peer relay --ip=0.0.0.0 --certfile=relay.pem --name=relay.example:9000
        jupyter peer relay --nats=nats://bus:4222  # one of several, as one relay
    """

    ip = Unicode(
        "127.0.0.1", help="Address to listen on; empty for all addresses of this machine."
    ).tag(config=True)
    port = Int(9000, min=0, max=65535, help="Port to listen on; 0 for a free one.").tag(config=True)
    certfile = Unicode("", help="PEM file of a TLS certificate with its chain.").tag(config=True)
    keyfile = Unicode(
        "", help="PEM file of its private key, if the key is not in the certfile."
    ).tag(config=True)
    names = List(
        Unicode(),
        help="""Hosts by which nodes reach this relay, as `relay.example:9000`; without the port if it
        is that of http or https. Requests for other hosts are refused, and a node's proof of its id
        is worth nothing at another relay. A relay that others than this machine reach must have
        one, also behind a proxy: nodes refuse to register at one without.""",
    ).tag(config=True)
    guests = Bool(
        True, help="Whether browsers may open guest links here: serve their page and carry them."
    ).tag(config=True)
    max_nodes = Int(Limits().max_nodes, min=1, help="Most nodes registered at once.").tag(
        config=True
    )
    rate = Int(
        0, min=0, help="Most KiB a node may send per second on average; 0 for no limit."
    ).tag(config=True)
    frame_rate = Int(
        0, min=0, help="Most frames a node may send per second on average; 0 for no limit."
    ).tag(config=True)
    max_node_queue = Int(
        Limits().max_node_queue // MIB, min=1, help="Most MiB that may wait for one slow node."
    ).tag(config=True)
    hold_s = Float(
        Limits().hold_s, min=0, help="Seconds that frames are held for an absent node."
    ).tag(config=True)
    directory_url = Unicode(
        "", help="Directory that decides who may enter the lobby's rooms: an https or file URL."
    ).tag(config=True)
    directory_key = Unicode(
        "", help="Public key that must have signed that directory, base64."
    ).tag(config=True)
    relay_data_dir = Unicode(
        "",
        help="""Folder for the newest version of that directory, so that an older version is
        refused after a restart too. Relays on one machine may share it. By default
        `peer-relay` in Jupyter's data directory.""",
    ).tag(config=True)
    lobby_grace_s = Float(
        LobbyLimits().grace_s,
        min=0,
        help="Seconds that a node stays listed and in its rooms after its connection broke.",
    ).tag(config=True)

    nats = Unicode(
        "",
        help="""URLs of NATS servers with JetStream, `nats://host:4222`, with commas between them. All
        relays with the same servers are one relay: their nodes reach each other. Empty for a single
        relay.""",
    ).tag(config=True)
    nats_credentials = Unicode("", help="Credentials file for the NATS servers.").tag(config=True)
    nats_prefix = Unicode(
        "jupyter-peer", help="Prefix of all NATS subjects; relays with one prefix are one relay."
    ).tag(config=True)
    nats_replicas = Int(
        1, min=1, max=5, help="Number of NATS servers that keep the table of nodes and rooms."
    ).tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "ip": "RelayCommand.ip",
        "port": "RelayCommand.port",
        "certfile": "RelayCommand.certfile",
        "keyfile": "RelayCommand.keyfile",
        "name": "RelayCommand.names",
        "max-nodes": "RelayCommand.max_nodes",
        "rate": "RelayCommand.rate",
        "nats": "RelayCommand.nats",
        "directory-url": "RelayCommand.directory_url",
        "directory-key": "RelayCommand.directory_key",
        "data-dir": "RelayCommand.relay_data_dir",
        "config": "JupyterApp.config_file",
        "log-level": "Application.log_level",
    }

    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        **TerminalCommand.flags,
        "no-guests": (
            {"RelayCommand": {"guests": False}},
            "Admit no browsers: serve no page for guest links and carry no guests.",
        ),
    }

    def _log_level_default(self) -> int:
        return logging.INFO

    def run(self) -> None:
        """Run it."""
        from ..relay.program import Options, run

        logging.basicConfig(format="%(asctime)s %(levelname).1s %(name)s %(message)s")
        for handler in logging.getLogger().handlers:
            handler.addFilter(LogPace())
        logging.getLogger("jupyter_peer").setLevel(cast("int", self.log_level))
        options = Options(
            ip=self.ip,
            port=self.port,
            certfile=self.certfile or None,
            keyfile=self.keyfile or None,
            names=tuple(name.lower() for name in self.names),
            has_guests=self.guests,
            limits=Limits(
                max_nodes=self.max_nodes,
                rate=self.rate * KIB,
                frame_rate=self.frame_rate,
                max_node_queue=self.max_node_queue * MIB,
                hold_s=self.hold_s,
            ),
            lobby_limits=LobbyLimits(grace_s=self.lobby_grace_s),
            directory_url=self.directory_url or None,
            directory_key=self.directory_key or None,
            data_dir=Path(self.relay_data_dir or Path(self.data_dir) / "peer-relay").expanduser(),
            must_keep=bool(self.relay_data_dir),
            nats=tuple(url for url in self.nats.replace(",", " ").split()),
            nats_credentials=self.nats_credentials or None,
            nats_prefix=self.nats_prefix,
            nats_replicas=self.nats_replicas,
        )
        page = guest_page() if self.guests else None
        rest = [f"nodes reach it as: {name}" for name in options.names]
        rest += [f"guest page: sha256 {page.digest}"] if page is not None else []
        # One line for each listener: other programs read the port from it.
        asyncio.run(
            run(options, lambda urls: tell("\n".join([*(f"relay: {u}" for u in urls), *rest])))
        )
