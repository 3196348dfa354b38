from __future__ import annotations

from jupyter_peer.relay.broker.limits import Limits, NodeRate


def test_both_rates_count_and_no_limit_costs_nothing():
    assert not NodeRate.is_limited(Limits())
    limits = Limits(rate=1000, frame_rate=10, burst_s=1)
    assert NodeRate.is_limited(limits)
    assert NodeRate(limits).take(1000, 10, 0) == 0
    assert NodeRate(limits).take(1500, 1, 0) == 0.5
    assert NodeRate(limits).take(1, 20, 0) == 1
