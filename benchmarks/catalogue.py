"""All measurements, in their order; each is imported when it runs."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from jupyter_peer.errors import LookupFailedError

if TYPE_CHECKING:
    from .figures import Figure
    from .workbench import Workbench

    Run = Callable[[Workbench], Awaitable[list[Figure]]]


class Measurement(msgspec.Struct, frozen=True):
    """One measurement.

    Attributes:
        name: Short name, for the option ONLY.
        what: Description.
        place: ``module.function`` of this package.
    """

    name: str
    what: str
    place: str

    def load(self) -> Run:
        """Return the function that measures it."""
        module, _, function = self.place.partition(".")
        run: Run = getattr(importlib.import_module(f"{__package__}.{module}"), function)
        return run


MEASUREMENTS = (
    Measurement("P1", "handshake", "links.handshake"),
    Measurement("P2", "round trip of 64 B", "links.round_trip_small"),
    Measurement("P3", "round trip of 64 KiB", "links.round_trip_medium"),
    Measurement("P4", "round trip of 1 MB", "links.round_trip_large"),
    Measurement("P5", "small messages a second", "links.small_rate"),
    Measurement("P6", "bulk", "links.bulk_rate"),
    Measurement("P7", "a pane beside bulk", "links.pane_beside_bulk"),
    Measurement("P8", "links over a relay", "relayed.over_relay"),
    Measurement("P8N", "links over two joined brokers", "relayed.over_two_brokers"),
    Measurement("P9", "fan-out to many viewers", "fan_out.fan_out"),
    Measurement("P10", "idle nodes at a relay", "relayed.idle_nodes"),
    Measurement("P10N", "idle nodes at joined brokers", "relayed.idle_nodes_of_cluster"),
    Measurement("P11", "an idle node", "idle.idle"),
    Measurement("P12", "imports", "idle.imports"),
    Measurement("P13", "engines of WebRTC", "engines.engines"),
    Measurement("U1", "display() to the viewer", "felt.display_to_viewer"),
    Measurement("U2", "a slider, there and back", "slider.slider_to_output"),
    Measurement("U3", "a slow viewer", "pace.slow_viewer"),
    Measurement("U4", "an output of 50 MB", "felt.large_output"),
    Measurement("U5", "a cut link", "reconnect.reconnect"),
    Measurement("U6", "invite to first output", "felt.first_output"),
    Measurement("U7", "a question to an agent", "asking.ask_agent"),
    Measurement("G1", "a guest link, opened cold", "guest_page.open_cold"),
    Measurement("G2", "display() to a guest", "guest_page.age"),
    Measurement("G3", "large updates to a guest", "guest_page.memory"),
    Measurement("G4", "a guest link, stopped", "guest_page.stop"),
    Measurement("N3", "a class on one pane", "classroom.class_on_one_pane"),
    Measurement("S1", "growth by bytes", "sweeps.by_bytes"),
    Measurement("S2", "growth by peers", "sweeps.by_peers"),
    Measurement("S3", "growth by viewers", "sweeps.by_viewers"),
    Measurement("S4", "growth by registered nodes", "relayed.by_registered"),
)


def choose(names: str) -> list[Measurement]:
    """Return the measurements of these short names, in any case and order; all for none.

    Args:
        names: Separated by commas.

    Raises:
        LookupFailedError: A name is unknown.
    """
    wanted = {name.strip().upper() for name in names.split(",") if name.strip()}
    known = {measurement.name for measurement in MEASUREMENTS}
    if unknown := sorted(wanted - known):
        raise LookupFailedError(
            f"there is no measurement {', '.join(unknown)}",
            hint=f"choose from {', '.join(sorted(known))}",
        )
    return [each for each in MEASUREMENTS if not wanted or each.name in wanted]
