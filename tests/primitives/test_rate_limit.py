"""A rate limit allows a burst, and after that a rate."""

from __future__ import annotations

from hypothesis import given, strategies as st

from jupyter_peer.primitives.rate_limit import RateLimit


def test_a_burst_is_allowed_at_once_and_then_the_rate():
    limit = RateLimit(rate=2, burst=3)
    assert [limit.allows(1e6) for _ in range(4)] == [True, True, True, False]
    assert not limit.allows(1e6 + 0.49)
    assert limit.allows(1e6 + 0.5)
    assert not limit.allows(1e6 + 0.5)


def test_what_is_refused_does_not_count():
    limit = RateLimit(rate=1, burst=1)
    assert limit.allows(0.0)
    assert not any(limit.allows(0.9) for _ in range(100))
    assert limit.allows(1.0)


def test_a_long_pause_allows_no_more_than_a_burst():
    limit = RateLimit(rate=1, burst=2)
    assert [limit.allows(0.0), limit.allows(0.0)] == [True, True]
    assert [limit.allows(1e9) for _ in range(3)] == [True, True, False]


def test_units_weigh():
    limit = RateLimit(rate=1, burst=10)
    assert limit.allows(0.0, 8)
    assert not limit.allows(0.0, 3)
    assert limit.allows(0.0, 2)


def test_who_overdraws_an_account_waits_until_it_is_even():
    limit = RateLimit(rate=100, burst=50)
    assert limit.charge(0.0, 50) == 0
    assert limit.charge(0.0, 200) == 2
    assert limit.charge(1.0, 0) == 1
    assert limit.charge(2.0, 0) == 0


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 500)), max_size=50))
def test_a_sender_that_waits_as_told_never_exceeds_rate_and_burst(steps):
    limit, now, sent = RateLimit(rate=100, burst=200), 0.0, 0.0
    for pause, units in steps:
        now += pause
        assert sent <= 200 + 100 * now + 1e-6
        sent += units
        now += limit.charge(now, units)
    assert sent <= 200 + 100 * now + 1e-6
