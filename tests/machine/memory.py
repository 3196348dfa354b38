"""What is in the memory of another process of this machine, as its owner could read it."""

from __future__ import annotations

import re
from pathlib import Path

_CHUNK = 1 << 20
_REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r")


def found_in_memory(pid: int, needles: dict[str, bytes]) -> set[str]:
    """Return the names of those needles that are somewhere in the memory of a process."""
    found: set[str] = set()
    overlap = max(map(len, needles.values())) - 1
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            region = _REGION.match(line)
            if region is None or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            at, end = int(region[1], 16), int(region[2], 16)
            while at < end:
                try:
                    memory.seek(at)
                    piece = memory.read(min(_CHUNK + overlap, end - at))
                except OSError:
                    break
                found |= {name for name, needle in needles.items() if needle in piece}
                at += _CHUNK
    return found
