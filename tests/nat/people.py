"""People with a whole Jupyter on a machine of the lab, and the servers that help them meet."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.e2e.people import Person
from tests.machine.jupyter_process import JupyterProcess
from tests.machine.needs import needs_program
from tests.machine.waiting import until, until_sync
from tests.nat.forward import Forward
from tests.nat.lab import PUB, Host, Lab
from tests.relay.process import relay_process

# Several servers start at once on what may be a busy machine.
MEET_S = 30.0
RELAY_PORT = 9000
STUN_PORT = 3478
TURN_USER, TURN_PASSWORD = "ada", "turn-secret"
RELAY = f"--PeerExtension.relay_url=ws://{PUB}:{RELAY_PORT}"
LOBBY = f"--PeerExtension.lobby_url=ws://{PUB}:{RELAY_PORT}"
WEBRTC = (
    LOBBY,
    "--PeerExtension.enable_webrtc=True",
    f"--PeerExtension.stun_servers=stun:{PUB}:{STUN_PORT}",
)
TURN = (
    f"--PeerExtension.turn_url=turn:{PUB}:{STUN_PORT}",
    f"--PeerExtension.turn_username={TURN_USER}",
    f"--PeerExtension.turn_credential={TURN_PASSWORD}",
)
LISTEN = "--PeerExtension.peer_listen=0.0.0.0:9797"


class LabPerson(Person):
    """Somebody whose Jupyter runs on a host of the lab, on that host's loopback."""

    def __init__(self, home: Path, name: str, host: Host, *options: str) -> None:
        self.name = name
        self.host = host
        self.token = f"token-of-{name}"
        self._password = None
        self._home = home
        self._runtime = home / "runtime"
        home.mkdir(parents=True, exist_ok=True)
        self.server = JupyterProcess(
            home,
            name,
            self._runtime,
            f"--IdentityProvider.token={self.token}",
            *options,
            prefix=host.prefix,
        )
        port = int(self.server.url.split(":")[2].split("/")[0])
        self._forward = Forward(host, port)
        self._log_in()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._forward.port}/{self.name}/"

    @property
    def node_id(self) -> str:
        return self.server.node_id

    def path_to(self, other: LabPerson) -> str | None:
        """Return by which transport another person is connected, or None."""
        return next(
            (
                peer["transport"]
                for peer in self.peer_call("GET", "peers")["peers"]
                if peer["node_id"] == other.node_id and peer["status"] == "connected"
            ),
            None,
        )

    @property
    def engine(self) -> str:
        """Which engine of WebRTC the server has loaded."""
        return (
            "libwebrtc"
            if "wrtc." in Path(f"/proc/{self.server.pid}/maps").read_text()
            else "aiortc"
        )

    def log(self) -> str:
        """Return what the server has logged."""
        return (self._home / "server.log").read_text()

    def close(self) -> None:
        """End the server."""
        self._forward.close()
        self.server.stop()


@contextlib.contextmanager
def people(*made: tuple[Path, str, Host, tuple[str, ...]]) -> Iterator[list[LabPerson]]:
    """Start people's servers and end them."""
    with ThreadPoolExecutor(len(made)) as pool:
        starting = [
            pool.submit(LabPerson, home / name, name, host, *options)
            for home, name, host, options in made
        ]
        try:
            yield [each.result() for each in starting]
        finally:
            ending = [
                pool.submit(each.result().close) for each in starting if each.exception() is None
            ]
            for each in ending:
                each.result()


def without_libwebrtc(host: Host, folder: Path) -> None:
    """Let the servers of a host find a libwebrtc that cannot be loaded, so that they use aiortc."""
    folder.mkdir(exist_ok=True)
    (folder / "wrtc.py").write_text("raise ImportError('hidden')\n")
    host.prefix = (*host.prefix, "env", f"PYTHONPATH={folder}")


def pair(inviter: LabPerson, guest: LabPerson) -> tuple[dict[str, Any], float]:
    """Let a guest redeem an invite; return the peer it got, and how many seconds that took."""
    invite = inviter.peer_call("POST", "invite", {"ttl_s": 300})["invite"]
    began = time.monotonic()
    answer = guest.peer_call("POST", "pair", {"invite": invite})
    assert answer["ok"], (answer, inviter.log()[-2000:], guest.log()[-2000:])
    return answer["peer"], time.monotonic() - began


async def connected(one: LabPerson, other: LabPerson, transport: str) -> None:
    """Wait until two people are connected by a transport, on both sides."""
    for here, there in ((one, other), (other, one)):
        await until(
            lambda here=here, there=there: here.path_to(there) == transport,
            MEET_S,
            f"{here.name} to be connected with {there.name} by {transport}",
        )


@contextlib.contextmanager
def turn_server(lab: Lab) -> Iterator[None]:
    """Run a real coturn in the middle: STUN for everybody, TURN for who has the password."""
    command = [
        *lab.pub.prefix,
        needs_program("turnserver"),
        *("-n", "-L", PUB, "-p", str(STUN_PORT), "--realm", "lab", "--lt-cred-mech"),
        *("--user", f"{TURN_USER}:{TURN_PASSWORD}", "--no-tls", "--no-dtls", "--no-cli"),
        *("--log-file", "stdout", "--pidfile", "/dev/null"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_sync(
            lambda: f"{PUB}:{STUN_PORT}" in lab.pub.run(needs_program("ss"), "-lun"),
            15,
            what="coturn",
        )
        yield
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def relay_and_lobby(lab: Lab) -> Iterator[None]:
    """Run the relay program in the middle."""
    with relay_process(
        f"--ip={PUB}", f"--name={PUB}:{RELAY_PORT}", port=RELAY_PORT, prefix=lab.pub.prefix
    ):
        yield
