"""Pauses grow with each failure."""

from __future__ import annotations

import random

from jupyter_peer.primitives.backoff import Backoff, spread


def test_each_pause_is_twice_as_long_as_the_one_before_up_to_the_longest():
    backoff = Backoff(0.5, 3)
    assert [backoff.next() for _ in range(5)] == [0.5, 1, 2, 3, 3]


def test_after_a_success_the_pauses_begin_anew():
    backoff = Backoff(1, 60)
    assert [backoff.next(), backoff.next()] == [1, 2]
    backoff.reset()
    assert backoff.next() == 1


def test_an_attempt_that_will_hardly_succeed_soon_is_followed_by_the_longest_pause():
    backoff = Backoff(1, 60)
    backoff.skip()
    assert [backoff.next(), backoff.next()] == [60, 60]
    backoff.reset()
    assert backoff.next() == 1


def test_jitter_spreads_a_pause_and_not_the_growth():
    factors = iter([0.5, 1.5, 1.0])
    backoff = Backoff(1, 60, lambda: next(factors))
    assert [backoff.next() for _ in range(3)] == [0.5, 3, 4]


def test_a_first_pause_over_the_limit_is_cut():
    assert Backoff(10, 2).next() == 2


def test_a_pause_never_overflows_however_many_attempts_fail():
    backoff = Backoff(1, 60)
    assert {backoff.next() for _ in range(5000)} == {1, 2, 4, 8, 16, 32, 60}


def test_a_seed_of_the_users_program_does_not_make_all_spreads_equal():
    jitter = spread(0.5, 1.5)
    drawn = set()
    for _ in range(3):
        random.seed(7)
        drawn.add(jitter())
    assert len(drawn) == 3


def test_a_spread_draws_within_its_bounds():
    jitter = spread(0.5, 1.5)
    drawn = [jitter() for _ in range(100)]
    assert all(0.5 <= factor <= 1.5 for factor in drawn)
    assert len(set(drawn)) > 1
