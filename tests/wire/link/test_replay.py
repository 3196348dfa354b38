"""Messages that come twice, or at the wrong time."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import ReplayedError, StaleError
from jupyter_peer.wire.link.replay import MAX_CLOCK_DIFFERENCE_S, SeenGuard, check_age
from tests.wire.makers import ADA, BOB, NOW


def test_a_message_that_comes_again_is_refused():
    guard = SeenGuard()
    guard.check(ADA.node_id, "1" * 32)
    guard.check(BOB.node_id, "1" * 32)
    guard.check(ADA.node_id, "2" * 32)
    for _ in range(2):
        with pytest.raises(ReplayedError):
            guard.check(ADA.node_id, "1" * 32)


@given(st.integers(1, 50), st.integers(0, 300))
def test_the_newest_messages_are_remembered_and_memory_is_bounded(size, count):
    guard = SeenGuard(size)
    for number in range(count):
        guard.check(ADA.node_id, f"{number:032x}")
        assert len(guard._new) + len(guard._old) <= 2 * size
    for number in range(max(0, count - size), count):
        with pytest.raises(ReplayedError):
            guard.check(ADA.node_id, f"{number:032x}")


@pytest.mark.parametrize("off", [0, 1, -1, MAX_CLOCK_DIFFERENCE_S, -MAX_CLOCK_DIFFERENCE_S])
def test_a_message_of_the_last_or_next_ten_minutes_is_taken(off):
    check_age(NOW + off, NOW)


@pytest.mark.parametrize("ts", [NOW + 600.5, NOW - 600.5, 0, -1e308, 10**300])
def test_a_message_of_another_time_is_stale(ts):
    with pytest.raises(StaleError):
        check_age(ts, NOW)
