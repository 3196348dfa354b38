"""A signal calls its listeners, whatever each of them does."""

from __future__ import annotations

import pytest

from jupyter_peer.primitives.signal import Signal


def test_listeners_are_called_in_the_order_in_which_they_connected():
    signal = Signal[[int]]("a number came")
    heard: list[tuple[str, int]] = []
    signal.connect(lambda number: heard.append(("first", number)))
    disconnect = signal.connect(lambda number: heard.append(("second", number)))
    signal.emit(1)
    disconnect()
    disconnect()
    signal.emit(2)
    assert heard == [("first", 1), ("second", 1), ("first", 2)]
    assert len(signal) == 1


def test_one_listener_that_connects_twice_is_called_twice_and_disconnects_one_by_one():
    signal = Signal[[]]("something changed")
    heard: list[int] = []

    def listener() -> None:
        heard.append(1)

    first, _ = signal.connect(listener), signal.connect(listener)
    first()
    first()
    signal.emit()
    assert heard == [1]


def test_a_listener_that_fails_is_logged_and_silences_no_other(caplog: pytest.LogCaptureFixture):
    signal = Signal[[]]("something changed")
    heard: list[int] = []
    signal.connect(lambda: 1 / 0)
    signal.connect(lambda: heard.append(1))
    signal.emit()
    assert heard == [1]
    assert [record.getMessage() for record in caplog.records] == [
        "a listener failed: something changed"
    ]


def test_a_listener_that_disconnects_during_a_call_is_not_called_any_more():
    signal = Signal[[]]("something changed")
    heard: list[str] = []
    ends = [lambda: None]
    signal.connect(lambda: ends[0]())
    ends[0] = signal.connect(lambda: heard.append("late"))
    signal.emit()
    assert heard == []


def test_a_listener_that_connects_during_a_call_is_called_from_the_next_one_on():
    signal = Signal[[]]("something changed")
    heard: list[int] = []
    disconnect = signal.connect(lambda: signal.connect(lambda: heard.append(1)))
    signal.emit()
    assert heard == []
    disconnect()
    signal.emit()
    assert heard == [1]


def test_released_listeners_are_called_for_the_last_time_and_may_connect_again():
    signal = Signal[[str]]("there is room")
    heard: list[str] = []

    def again(text: str) -> None:
        heard.append(text)
        signal.connect(heard.append)

    signal.connect(again)
    signal.release("one")
    assert (heard, len(signal)) == (["one"], 1)
    signal.release("two")
    assert (heard, len(signal)) == (["one", "two"], 0)


def test_a_cleared_signal_calls_nobody():
    signal = Signal[[]]("something changed")
    signal.connect(pytest.fail)
    signal.clear()
    signal.emit()
    assert len(signal) == 0
