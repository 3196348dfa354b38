"""Locks that the system releases when their process ends."""

from __future__ import annotations

import errno
import sys

if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> bool:
        """Lock an open file and return whether that worked; False means somebody else has it."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EDEADLK}:
                return False
            raise
        return True

    def unlock(descriptor: int) -> None:
        """Release a lock."""
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Lock an open file and return whether that worked; False means somebody else has it."""
        # flock belongs to the open file, so it also keeps apart two servers in one process.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
                return False
            raise
        return True

    def unlock(descriptor: int) -> None:
        """Release a lock."""
        # Explicitly, because a forked child has the same open file and would keep the lock.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
