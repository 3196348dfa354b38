"""A small internet in network namespaces: hosts behind routers that translate addresses.

::

    host 192.168.1.2 -- router 203.0.113.11 --+                  +-- router 203.0.113.12 -- host 192.168.2.2
                                              +-- pub 203.0.113.1
                                                  STUN, TURN, relay and lobby run here

All of it has names of its own, is gone afterwards, and reaches nothing else: what leads outside ends
in a namespace that swallows it.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.machine.needs import needs_network_namespaces, needs_program

PUB = "203.0.113.1"
_CLONE_NEWNET = 0x40000000
_numbers = itertools.count(1)


class Namespace:
    """One machine of the lab.

    Attributes:
        name: Of the network namespace.
        prefix: What a command begins with that is to run there.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        ip = needs_program("ip")
        self.prefix = (ip, "netns", "exec", name)
        run(ip, "netns", "add", name)
        self.ip("link set lo up")
        self._inside = ThreadPoolExecutor(1, initializer=self._enter)

    def ip(self, *lines: str) -> None:
        """Run lines of ``ip`` there."""
        run(needs_program("ip"), "-netns", self.name, "-batch", "-", said="\n".join(lines))

    def run(self, *command: str, said: str | None = None) -> str:
        """Run a command there and return what it prints."""
        return run(*self.prefix, *command, said=said)

    def connect(self, host: str, port: int) -> socket.socket:
        """Return a TCP connection that was made there."""
        return self._inside.submit(socket.create_connection, (host, port), 10).result()

    def _enter(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/run/netns/{self.name}").open() as namespace:
            if libc.setns(namespace.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

    def close(self) -> None:
        """Take it away, with what still runs in it."""
        self._inside.shutdown()
        ip = needs_program("ip")
        for pid in run(ip, "netns", "pids", self.name).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), 9)
        run(ip, "netns", "del", self.name)


class Host(Namespace):
    """A machine with one network card."""

    def __init__(self, name: str, lan: Lan, last: int) -> None:
        super().__init__(name)
        self.lan = lan
        self.address = ""
        self.plug_in(last)

    def plug_in(self, last: int) -> None:
        """Connect it under ``last``, the last number of its address; it had no cable before."""
        self.address = f"{self.lan.net}.{last}"
        self.lan.add_cable(self)
        self.ip(
            f"addr add {self.address}/24 dev eth0",
            "link set eth0 up",
            f"route add default via {self.lan.gateway}",
        )

    def unplug(self) -> None:
        """Take its network card away."""
        self.ip("link del eth0")


class Lan:
    """A bridge in a namespace: what is plugged into it hears each other, multicast too."""

    def __init__(self, namespace: Namespace, bridge: str, gateway: str) -> None:
        self._namespace = namespace
        self._bridge = bridge
        self._cables = itertools.count(1)
        self.gateway = gateway
        self.net = gateway.rpartition(".")[0]
        namespace.ip(
            f"link add {bridge} type bridge mcast_snooping 0",
            f"addr add {gateway}/24 dev {bridge}",
            f"link set {bridge} up",
        )

    def add_cable(self, to: Namespace, device: str = "eth0") -> None:
        """Connect a namespace's new device with the bridge."""
        end = f"{self._bridge}-{next(self._cables)}"
        self._namespace.ip(
            f"link add {end} type veth peer name {device} netns {to.name}",
            f"link set {end} master {self._bridge} up",
        )


class Router(Namespace):
    """Translates addresses between its LAN and the outside.

    Args:
        name: Of the namespace.
        outside: Where its outer device is plugged in.
        number: Of its network and its outer address.
        is_symmetric: Whether each connection gets a port of its own outside, so that what a STUN
            server sees is of no use to others; else ports are kept (a cone).
    """

    def __init__(self, name: str, outside: Lan, number: int, *, is_symmetric: bool) -> None:
        super().__init__(name)
        self.is_symmetric = is_symmetric
        self.address = f"{outside.net}.{10 + number}"
        outside.add_cable(self, "wan")
        self.ip(
            f"addr add {self.address}/24 dev wan",
            "link set wan up",
            f"route add default via {outside.gateway}",
        )
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self.lan = Lan(self, "lan", f"192.168.{number}.1")
        random = " --random-fully" if is_symmetric else ""
        # Without the rule on INPUT the early packet of the other side is taken for a connection to
        # the router itself, keeps the port, and no hole is ever punched.
        self.filter(
            f"""
*nat
-A POSTROUTING -o wan -j MASQUERADE{random}
COMMIT
*filter
-A FORWARD -i wan -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i wan -j DROP
-A INPUT -i wan -m conntrack --ctstate NEW -j DROP
COMMIT
"""
        )

    def lose(self, percent: float) -> None:
        """Drop so much of what goes through, in each direction."""
        self.run(
            needs_program("iptables"),
            *("-I", "FORWARD", "-m", "statistic", "--mode", "random"),
            *("--probability", str(percent / 100), "-j", "DROP"),
        )

    def lose_and_delay(self, percent: float, ms: int) -> bool:
        """Do so in each direction, and hold up the rest; return whether the kernel can."""
        for device in ("wan", "lan"):
            command = f"qdisc add dev {device} root netem loss {percent}% delay {ms}ms".split()
            tried = [*self.prefix, needs_program("tc"), *command]
            if subprocess.run(tried, capture_output=True, check=False, timeout=20).returncode:
                return False
        return True

    def filter(self, rules: str) -> None:
        """Set rules of iptables beside those there are."""
        self.run(needs_program("iptables-restore"), "--noflush", said=rules)


class Lab:
    """The internet and what is connected to it; made by :func:`lab`."""

    def __init__(self) -> None:
        self._prefix = f"jp{os.getpid()}-{next(_numbers)}-"
        self._made: list[Namespace] = []
        self.pub = self._keep(Namespace(self._prefix + "pub"))
        self.internet = Lan(self.pub, "br0", PUB)
        self._swallow()

    def _keep(self, namespace: Namespace) -> Namespace:
        self._made.append(namespace)
        return namespace

    def _swallow(self) -> None:
        """Lead all other addresses nowhere; without any route TURN servers give up at once."""
        sink = self._keep(Namespace(self._prefix + "sink"))
        self.pub.ip(
            f"link add out type veth peer name in netns {sink.name}",
            "addr add 198.51.100.1/30 dev out",
            "link set out up",
            "route add default via 198.51.100.2",
        )
        sink.ip("addr add 198.51.100.2/30 dev in", "link set in up")

    def router(self, number: int, *, is_symmetric: bool = False) -> Router:
        """Return a new router with a network behind it."""
        name = f"{self._prefix}nat{number}"
        router = Router(name, self.internet, number, is_symmetric=is_symmetric)
        self._keep(router)
        return router

    def reboot(self, router: Router, *hosts: Host) -> Router:
        """Take a router away, with all it remembers, and put an equal one in its place."""
        for host in hosts:
            # By hand: what a namespace held goes some time after the namespace itself.
            host.unplug()
        self._made.remove(router)
        router.close()
        number = int(router.address.rpartition(".")[2]) - 10
        new = self.router(number, is_symmetric=router.is_symmetric)
        for host in hosts:
            host.lan = new.lan
            host.plug_in(int(host.address.rpartition(".")[2]))
        return new

    def host(self, name: str, lan: Lan | None = None, last: int = 2) -> Host:
        """Return a new machine in a LAN, or with an address of its own in the internet."""
        host = Host(self._prefix + name, lan or self.internet, last)
        self._keep(host)
        return host

    def close(self) -> None:
        """Take everything away."""
        for namespace in reversed(self._made):
            namespace.close()


@contextlib.contextmanager
def lab() -> Iterator[Lab]:
    """Build a lab, and take it away whatever happens."""
    needs_network_namespaces()
    built: Lab | None = None
    before = set(_namespaces())
    try:
        built = Lab()
        yield built
    finally:
        if built is not None:
            built.close()
        left = [name for name in _namespaces() if name not in before and f"jp{os.getpid()}" in name]
        assert not left, f"namespaces are left over: {left}"


def _namespaces() -> list[str]:
    listed = Path("/run/netns")
    return [each.name for each in listed.iterdir()] if listed.is_dir() else []


def run(*command: str, said: str | None = None) -> str:
    """Run a command and return what it prints."""
    done = subprocess.run(
        command, input=said, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout
