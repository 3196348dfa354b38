"""Sentences of the server: English for terminals, and templates for translators of the page."""

from __future__ import annotations

import re

import pytest

from jupyter_peer.errors import UnknownPeerError, from_wire, to_page, to_peer, to_wire
from jupyter_peer.findings import failed, failure, ok
from jupyter_peer.phrase import as_phrase, phrase
from tests.vectors.phrases import PAGE, templates


@pytest.mark.parametrize(
    ("made", "template", "english"),
    [
        (phrase("No peers yet."), "No peers yet.", "No peers yet."),
        (phrase("{a} and {b}, {a}", a="x", b=2), "%1 and %2, %1", "x and 2, x"),
        (phrase("{ms:.1f} ms, {free:,}", ms=1.25, free=1234), "%1 ms, %2", "1.2 ms, 1,234"),
        (phrase("it is {state}", state=phrase("{n} s late", n=3)), "it is %1", "it is 3 s late"),
        (phrase("%peer pair, 5 %, %1"), "%peer pair, 5 %, %%1", "%peer pair, 5 %, %1"),
        (phrase("%%peer share {a}", a="%1"), "%%%peer share %1", "%%peer share %1"),
        (as_phrase("what {a.peer} wrote"), "what {a.peer} wrote", "what {a.peer} wrote"),
    ],
)
def test_a_phrase_is_a_template_for_translators_and_an_english_sentence(made, template, english):
    assert (made.template, str(made)) == (template, english)


def test_a_command_is_for_terminals_and_the_page_names_what_to_click():
    hint = phrase("%peer unblock {id}", id="abc").on_page(phrase("“Unblock” in the menu"))
    finding = failed("trust", phrase("{peer} is blocked.", peer="bob"), hint)
    assert (finding.hint, finding.hint_phrase) == (
        "%peer unblock abc",
        phrase("“Unblock” in the menu"),
    )
    error = UnknownPeerError(phrase("no peer is called {name}", name="eve"))
    assert "%peer list" in error.hint
    assert "%peer" not in str(to_page(error)["hint_phrase"])
    assert str(to_page(error)["message_phrase"]) == error.message


def test_an_error_keeps_its_phrase_in_this_process_and_leaves_it_behind_on_the_wire():
    error = UnknownPeerError(phrase("no peer is called {name}", name="eve"))
    assert from_wire(to_page(error)).message_phrase == error.message_phrase
    assert set(to_wire(error)) == set(to_peer(error)) == {"code", "message", "hint"}
    theirs = from_wire(to_wire(error) | {"message_phrase": {"template": "%1", "params": ["x"]}})
    assert theirs.message_phrase == as_phrase("no peer is called eve")
    assert theirs.hint_phrase.for_page == error.hint_phrase.for_page


@pytest.mark.parametrize(
    ("check", "name"),
    [
        ("peer-listen", "Port for peers"),
        ("nat", "Router (NAT)"),
        ("some-new-check", "Some new check"),
    ],
)
def test_a_check_has_a_name_for_people(check, name):
    assert ok(check, phrase("It works.")).title == name


def test_a_failure_is_a_sentence_in_english_and_the_phrase_of_its_error():
    finding = failure("path", UnknownPeerError(phrase("no peer is called {name}", name="eve")))
    assert finding.text == "No peer is called eve."
    assert str(finding.text_phrase) == "no peer is called eve."


def test_the_page_has_what_its_advice_names():
    sources = PAGE.parent.rglob("*.ts*")
    shown = {
        label
        for path in sources
        if path != PAGE and "__tests__" not in path.parts
        for label in re.findall(r"trans\.__\(\s*'([^']+)'", path.read_text(encoding="utf-8"))
    }
    named = {label for text in templates() for label in re.findall("“([^”]+)”", text)}
    assert "Who can reach me" in named
    assert named <= shown
    assert not [text for text in templates() if "%peer" in text]
