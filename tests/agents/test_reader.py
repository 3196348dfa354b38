"""The built-in agent that answers from panes."""

from __future__ import annotations

from hypothesis import given, strategies as st

from jupyter_peer.agents.reader import NAME, GrantedPane, words_of
from tests.peers.nodes import nodes


def pane(name, *texts, title="", status="live"):
    outputs = [{"output_type": "stream", "name": "stdout", "text": text} for text in texts]
    return GrantedPane(name, title, status, 1.0, 7, outputs)


async def answer_of(panes, prompt):
    async with nodes("ada", "bob", "cy") as (ada, bob, cy):
        ada.board.switch_on()
        ada.granted = {bob.id: panes, cy.id: [pane("secret", "of cy alone\n")]}
        return await bob.ask(ada, prompt)


async def test_it_says_what_it_is_and_that_nothing_is_shared():
    answer = await answer_of([], "what is there?")
    assert "not a language model" in answer
    assert "No pane is shared with you." in answer


async def test_it_finds_the_lines_that_a_question_is_about():
    log = "".join(f"epoch {n} loss {1 / n:.3f}\n" for n in range(1, 100)) + "final loss 0.010\n"
    answer = await answer_of([pane("train", log, title="Training")], "the final loss?")
    assert "train - Training (live), lines with words of your question" in answer
    assert "  line 100: final loss 0.010" in answer
    assert "epoch 3 " not in answer


async def test_without_such_a_line_it_shows_the_end_of_each_pane():
    panes = [pane("b", "one\ntwo\n"), pane("a", "x\n" * 50 + "last\n", status="ended"), pane("c")]
    answer = await answer_of(panes, "what is there?")
    assert "a (ended), the end of what it shows:\n" in answer
    assert answer.index("  last") < answer.index("  one\n  two")
    assert "c (live) shows no text." in answer
    assert answer.count("  x\n") == 5


async def test_it_shows_nobody_what_is_shared_with_somebody_else():
    answer = await answer_of([pane("mine", "open\n")], "show me secret of cy")
    assert "secret" not in answer.replace("words of your question", "")


async def test_it_answers_only_when_it_was_switched_on_and_nobody_else_does():
    async with nodes("ada", "bob") as (ada, bob):
        ada.board.switch_on()
        ada.agent(lambda turn: turn.write("I"), "helper")
        assert await bob.ask(ada) == "I"
        assert "built-in" in await bob.ask(ada, agent=NAME)


async def test_long_lines_and_control_characters_are_made_harmless():
    answer = await answer_of([pane("p", "\x1b[2Jx\u202e" + "y" * 5000 + "\n")], "?")
    assert "\x1b" not in answer
    assert "\u202e" not in answer
    assert max(map(len, answer.splitlines())) < 400


@given(st.text(max_size=200))
def test_any_question_has_words_or_none(text):
    assert all(word for word in words_of(text))
