"""What was shown and what was seen, put side by side."""

from __future__ import annotations

import base64

import pytest

from jupyter_peer.demo.notebooks import Said
from jupyter_peer.demo.sightings import Sightings, describe

TABLE = "       loss  accuracy\nepoch                \n1      0.51      0.81\n2      0.42      0.90"
ROW = "epoch 2, loss 0.42, accuracy 0.90"


def said(at: float, **data: str) -> Said:
    mime = {"png": "image/png", "html": "text/html", "plain": "text/plain"}
    return Said(at, at, "", "display_data", {"data": {mime[key]: data[key] for key in data}})


def printed(at: float, text: str) -> Said:
    return Said(at, at, "", "stream", {"text": text})


@pytest.fixture
def told() -> list[tuple[str, str, float]]:
    return []


@pytest.fixture
def sightings(told: list[tuple[str, str, float]]) -> Sightings:
    return Sightings(lambda *seen: told.append(seen))


def test_outputs_are_described_as_the_notebook_does():
    assert describe({"text/plain": TABLE}) == ROW
    assert describe({"image/png": "AAAA" * 1000}) == "a picture, 3,000 bytes"


def test_a_line_in_pieces_is_one_sighting_with_its_delay(sightings, told):
    sightings.take_shown(said(1.0, html="<table>", plain=TABLE))
    sightings.take_lines(printed(1.2, f"12:00  metrics  rev   2  {ROW[:9]}"))
    assert told == []
    sightings.take_lines(printed(1.5, f"{ROW[9:]}\n"))
    assert told == [("metrics", ROW, 0.5)]
    assert sightings.seen["metrics"] == sightings.shown["metrics"] == [ROW]
    assert sightings.rows == {2: {"loss": 0.42, "accuracy": 0.9}}


def test_what_is_seen_before_it_was_heard_of_is_counted_once_it_is(sightings, told):
    sightings.take_lines(printed(1.5, f"12:00  metrics  rev   2  {ROW}\n"))
    assert sightings.seen["metrics"] == []
    sightings.take_shown(said(1.0, html="<table>", plain=TABLE))
    assert told == [("metrics", ROW, 0.5)]


def test_what_was_never_shown_is_not_seen(sightings, told):
    sightings.take_shown(said(1.0, html="<table>", plain=TABLE))
    sightings.take_lines(
        printed(2.0, "12:00  metrics  rev   2  epoch 2, loss 0.00, accuracy 1.00\n")
    )
    sightings.take_lines(printed(2.0, "metrics, so to speak\n"))
    assert told == []


def test_a_pane_that_goes_is_counted_from_when_it_was_taken_back(sightings, told):
    sightings.take_back("loss", 5.0)
    sightings.take_lines(printed(5.25, "12:00  loss     rev   9  withdrawn\n"))
    assert told == [("loss", "withdrawn", 0.25)]
    assert sightings.gone == {"loss": "withdrawn"}


def test_pictures_count_as_drawn_when_they_stand_in_bobs_notebook(sightings):
    one, two = (base64.b64encode(bytes([n]) * 9).decode() for n in (1, 2))
    for picture in (one, two):
        sightings.take_shown(said(1.0, png=picture + "\n", plain="<Figure>"))
    sightings.take_drawn(said(1.1, html=f'<img src="data:image/png;base64,{two}">'))
    assert sightings.drawn == [two]
