"""What processes hold: memory, tasks, sockets, open files."""

from __future__ import annotations

from typing import NamedTuple

import psutil

#: Two nodes of one process remember 131,072 message ids each, which takes about 40 MiB when full.
SLACK_MIB = 96.0


class Usage(NamedTuple):
    """Of one process at rest, or of several together.

    Attributes:
        memory: Resident, in MiB.
        tasks: Of its event loop; None where they cannot be counted from outside.
        sockets: Of TCP, open.
        files: Open file descriptors.
    """

    memory: float
    tasks: int | None
    sockets: int
    files: int

    @classmethod
    def of(cls, *pids: int, tasks: int | None = None) -> Usage:
        """Measure processes."""
        processes = [psutil.Process(pid) for pid in pids]
        memory = sum(process.memory_info().rss for process in processes) / 1024**2
        # What the kernel still has of a closed connection belongs to no process.
        sockets = sum(len(process.net_connections("tcp")) for process in processes)
        return cls(memory, tasks, sockets, sum(process.num_fds() for process in processes))

    def growth(self, before: Usage) -> list[str]:
        """Return what has grown, in words; nothing when nothing has."""
        grown = [
            f"{name} from {was} to {now}"
            for name, was, now in zip(self._fields[1:], before[1:], self[1:], strict=True)
            if was is not None and now is not None and now > was
        ]
        if self.memory > before.memory + SLACK_MIB:
            grown.insert(0, f"memory from {before.memory:.0f} to {self.memory:.0f} MiB")
        return grown
