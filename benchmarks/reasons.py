"""Why goals are not met, where profiles have shown it.

The figures in the texts are of one machine (2 cores of 2.4 GHz, Python 3.11); that they are what the
time goes into holds elsewhere too.
"""

from __future__ import annotations

from collections.abc import Sequence

from .figures import Figure

_RAW, _JSON = "raw tornado", "json wire"
#: (short name, baseline or end of the row's name or "" for any) -> where the time goes.
REASONS = {
    ("P2", _JSON): "both wires pay the same two Ed25519 signatures (172 µs a round trip) and the "
    "same sockets; only JSON with base64 is saved, which is nothing for 64 B",
    ("P2", _RAW): "two signatures made and verified are 172 µs, the hubs' own Python 200 µs",
    ("P3", _JSON): "Ed25519 172 µs, SHA-256 at both ends 180 µs, the hubs' own Python 250 µs",
    ("P3", _RAW): "Ed25519 172 µs, SHA-256 at both ends 180 µs, the hubs' own Python 250 µs",
    ("P4", _JSON): "SHA-256 of 1 MB is 0.66 ms at each end and each way, AES-256-GCM 0.3 ms",
    ("P4", _RAW): "SHA-256 of 1 MB is 0.66 ms at each end and each way, AES-256-GCM 0.3 ms",
    ("P5", _JSON): "6.5 µs of Python a message at each end: JSON, hash, queue, dispatch; the JSON "
    "wire of today is quicker than the original by the same crypto library and sockets",
    ("P5", _RAW): "6.5 µs of Python a message at each end: JSON, hash, queue, dispatch",
    (
        "P6",
        _JSON,
    ): "SHA-256 is 44 µs of each 64 KiB at either end; opening and checking one is 140 µs in all",
    (
        "P6",
        _RAW,
    ): "SHA-256 is 44 µs of each 64 KiB at either end; opening and checking one is 140 µs in all",
    ("P7", _JSON): "up to 1 MiB of bulk (the credit window) waits in the reader's socket",
    ("P7", ""): "up to 1 MiB of bulk (the credit window) waits in the reader's socket when the "
    "reader is slower than the writer",
    (
        "P8",
        _JSON,
    ): "the relay takes 1 µs of a small message and 100 µs of 64 KiB, each end 8 µs and "
    "220 µs: the ends are as slow as directly (P5, P6), and three programs share two cores; beside "
    "bulk the JSON wire is given small messages only, as large ones do not fit a relay's frame",
    ("P8", ""): "a relayed frame takes three programs' turns on two cores",
    ("P8N", _JSON): "as over one broker, and each frame passes NATS too",
    ("P8N", ""): "each frame passes two brokers and NATS, five programs on two cores",
    ("P9", ""): "each viewer's AES-GCM (35 µs) and write to the socket (60 µs, most of it in the "
    "kernel) are what is left; all viewers of this bench share one process, which opens and "
    "verifies for all of them",
    (
        "P12",
        "",
    ): "msgspec and libsodium's bindings are a seventh, over a hundred modules of a node, with "
    "their classes of messages, the rest; OpenSSL's bindings wait for the first link",
    (
        "U1",
        "",
    ): "half of it is the kernel's own display(), for both; then the link (signed, sealed, "
    "opened, verified) is a quarter, the viewer's control socket an eighth, and waking the cell that "
    "waits in the viewer's kernel an eighth: five programs on two cores",
    ("U2", ""): "each way passes two servers and a control socket more than the owner's own page",
    ("U3", "nobody watching"): "the server keeps what the owner's own page has not read yet, with "
    "viewers or without",
    ("U3", "an interval"): "five programs share the cores with a kernel that takes one for itself",
    ("U4", ""): "the owner's Jupyter Server handles the output for the owner's own page first: it "
    "copies, checks and rewrites 50 MB on its loop, which stops for a second without viewers too",
    (
        "U5",
        "webrtc",
    ): "a new data channel is an offer and an answer by the lobby, ICE's checks, and "
    "the handshakes of DTLS, SCTP and this wire, 70 ms of two programs' work; the back-off has a "
    "jitter of half of it both ways",
    ("U5", "relay"): "both ends wait, for their relay and for each other, so the longer of two "
    "pauses counts; the back-off has a jitter of half of it both ways",
    ("U5", ""): "the back-off has a jitter of half of it both ways",
}


def reasons(figures: Sequence[Figure]) -> list[str]:
    """Return a line for each goal that is not met and of which it is known why."""
    lines: list[str] = []
    for each in figures:
        if each.met is not False:
            continue
        short = each.name.partition(" ")[0]
        end = each.name.rpartition(", ")[2]
        parts = (each.baseline_name, end, "")
        why = next((REASONS[short, part] for part in parts if (short, part) in REASONS), None)
        if why is not None:
            line = f"{each.name}{f' ({each.baseline_name})' if each.baseline_name else ''}: {why}"
            lines.append(line)
    return lines
