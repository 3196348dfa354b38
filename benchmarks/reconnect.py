"""U5: from a cut link to the next update of a pane, for each transport."""

from __future__ import annotations

import asyncio
import importlib.util
import ipaddress
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from jupyter_peer.demo.notebooks import CellError
from jupyter_peer.errors import NotEnabledError, PeerError, PeerTimeoutError
from jupyter_peer.hub.local_node import HubConfig
from jupyter_peer.transports.lan.interfaces import Interfaces

from .fault_injection import OPTION, PATH
from .figures import Figure, figure, held, median
from .jupyters import Jupyters, start_jupyters
from .node import PATIENCE_S
from .processes import Program
from .relayed import broker_url, start_broker
from .workbench import Workbench

BESIDE = "back-off + 3 round trips"
_EVERY_S = 0.01
_SPEAK = """
import os
def speak(until, every):
    while not os.path.exists(until):
        pane.display(time.time())
        time.sleep(every)
"""
_CUT = """
import urllib.request
def cut(url, token, patience):
    trip = me.ping("ada") / 1e3
    request = urllib.request.Request(
        url, method="POST", data=b"{}", headers={"Authorization": "token " + token}
    )
    with urllib.request.urlopen(request, timeout=patience) as response:
        at = json.load(response)["at"]
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if view.wait_for_update(timeout=1):
            now = time.time()
            times = [float(output["data"]["text/plain"]) for output in view.outputs]
            if max(times, default=0.0) > at:
                answer({"trip_s": trip, "back_s": now - at, "path": view.info["path"]})
                return
    raise TimeoutError("no fresh update came after the cut")
"""
# On a busy machine another path may be faster once. The link then moves to the better path
# and is cut again. A path that loses more often than this has no row.
_OTHERWISE = 3


class Way(msgspec.Struct, frozen=True):
    """A transport, and the settings of its measurement.

    Attributes:
        name: Name of the transport.
        settings: Settings without a better transport; ``{relay}`` is a relay's URL. Servers in the
            local network see only loopback (see :mod:`.fault_injection`); their mDNS is real.
        cuts: Number of cuts.
        lasts_s: Seconds before a link is cut. A link that is lost repeatedly is dialled
            with longer pauses, unlike a link that breaks once a day.
    """

    name: str
    settings: tuple[str, ...] = ()
    cuts: int = 9
    lasts_s: float = 0.0

    def options(self, relay: str) -> list[str]:
        """Return the command line of both servers."""
        settings = (f"--PeerExtension.{each.format(relay=relay)}" for each in self.settings)
        return [OPTION, *settings]

    def check(self) -> None:
        """Check the requirements on this machine.

        Raises:
            NotEnabledError: A requirement is missing.
        """
        if self.name != "webrtc":
            return
        if importlib.util.find_spec("aiortc") is None:
            raise NotEnabledError("the extra webrtc is not installed")
        hosts = [ipaddress.ip_address(at) for _, at, _ in Interfaces.now().addresses]
        if all(host.is_loopback or host.is_link_local for host in hosts):
            raise NotEnabledError("WebRTC needs a network interface")


WAYS = (
    Way("direct"),
    Way("lan", ("enable_lan=True",)),
    # An owner answers one offer per second on average.
    Way("webrtc", ("enable_direct=False", "enable_webrtc=True", "lobby_url={relay}"), 9, 1.2),
    # A connection to a relay counts as good after ten seconds.
    Way("relay", ("enable_direct=False", "relay_url={relay}", "lobby_url=off"), 5, 11.0),
)


async def reconnect(bench: Workbench) -> list[Figure]:
    """U5: a row for each transport, or the reason why it was not measured."""
    async with AsyncExitStack() as stack:
        broker = await start_broker(stack)
        return [await _row(bench, way, broker) for way in WAYS]


async def _row(bench: Workbench, way: Way, broker: Program) -> Figure:
    title = f"U5 cut link to first fresh update, {way.name}"
    bench.step(f"starts two Jupyter servers for {way.name}", WAYS.index(way) / len(WAYS))
    try:
        way.check()
        async with AsyncExitStack() as stack:
            folder = bench.folder / f"cut-{bench.number()}"
            both = await start_jupyters(stack, folder, *way.options(broker_url(broker)))
            cuts = await _cuts(bench, way, both, folder)
    except (PeerError, CellError) as error:
        why = error.message if isinstance(error, PeerError) else str(error)
        return Figure(title, "ms", None, baseline_name=why)
    limit = HubConfig().backoff_s + 3 * median([each.trip_s for each in cuts])
    back = median([each.back_s for each in cuts])
    return figure(title, "ms", back * 1e3, limit * 1e3, BESIDE, held(1.0))


class Cut(msgspec.Struct, frozen=True):
    """One cut: the round trip before it, the time until the next update, and its path."""

    trip_s: float
    back_s: float
    path: str


async def _cuts(bench: Workbench, way: Way, both: Jupyters, folder: Path) -> list[Cut]:
    await both.pair()
    await _until_by(both, way.name)
    await both.ada.run(_SPEAK)
    await both.bob.run(_CUT)
    await both.ada.run("pane = me.share('u5', with_=['bob'])")
    await both.bob.run("view = me.open('ada/u5')")
    enough = folder / "enough"
    speech = asyncio.ensure_future(both.ada.run(f"speak({str(enough)!r}, {_EVERY_S})"))
    place = f"{both.bob.lab.url}{PATH}", both.bob.lab.token
    cuts: list[Cut] = []
    count = bench.pick(way.cuts, 2)
    otherwise = 0
    try:
        while len(cuts) < count:
            share = (WAYS.index(way) + len(cuts) / count) / len(WAYS)
            bench.step(f"cuts the link, {way.name}, {len(cuts) + 1} of {count}", share)
            await asyncio.sleep(0 if bench.quick else way.lasts_s)
            answer = await both.bob.run(f"cut(*{place!r}, {PATIENCE_S / 2})")
            cut = msgspec.convert(answer, Cut)
            if cut.path == way.name:
                cuts.append(cut)
                continue
            otherwise += 1
            if otherwise > _OTHERWISE:
                raise NotEnabledError(f"it came back by {cut.path}")
            await _until_by(both, way.name)
    finally:
        enough.touch()
        await speech
    return cuts


async def _until_by(both: Jupyters, transport: str) -> None:
    """Wait until both sides use the measured transport.

    Raises:
        PeerTimeoutError: They use another path, or none.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE_S / 2
    for person in (both.ada, both.bob):
        while True:
            answer = await person.lab.get("jupyter-peer/api/peers")
            if [peer["transport"] for peer in answer["peers"]] == [transport]:
                break
            if asyncio.get_running_loop().time() > deadline:
                raise PeerTimeoutError(f"no link by {transport} came about")
            await asyncio.sleep(0.1)
