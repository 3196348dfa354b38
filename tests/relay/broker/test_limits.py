from __future__ import annotations

from hypothesis import given, strategies as st

from jupyter_peer.relay.broker.limits import Limits, NodeRate, TokenBucket


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 500)), max_size=50))
def test_who_waits_as_told_never_exceeds_rate_and_burst(steps):
    bucket, now, taken = TokenBucket(100, 200, 0.0), 0.0, 0.0
    for pause, units in steps:
        now += pause
        assert taken <= 200 + 100 * now + 1e-6
        taken += units
        now += bucket.take(units, now)
    assert taken <= 200 + 100 * now + 1e-6


def test_both_rates_count_and_no_limit_costs_nothing():
    assert not NodeRate.is_limited(Limits())
    limits = Limits(rate=1000, frame_rate=10, burst_s=1)
    assert NodeRate.is_limited(limits)
    assert NodeRate(limits, 0).take(1000, 10, 0) == 0
    assert NodeRate(limits, 0).take(1500, 1, 0) == 0.5
    assert NodeRate(limits, 0).take(1, 20, 0) == 1
