"""Proofs of real answers and panes: verified in the kernel, saved, checked by the command."""

from __future__ import annotations

import json
import pickle

import pytest

from jupyter_peer.cli import main
from jupyter_peer.errors import ProofForgedError, ProofIncompleteError
from jupyter_peer.panes.owner.publish import SharePane
from jupyter_peer.server_client.results.answers import Answer
from tests.agents.servers import run
from tests.agents.test_displays import ada_and_bob, mixed
from tests.machine.waiting import until
from tests.panes.kernels import FakeTap

pytestmark = pytest.mark.usefixtures("jp_environ")


async def test_an_answer_says_who_signed_it_and_its_file_is_checked_offline(tmp_path, capsys):
    async with ada_and_bob(tmp_path) as (adas, bobs, ada, bob):
        await run(adas.agent, mixed, name="helper")
        answer = await run(bobs.ask, "ada", "what do you see?", agent="helper")
        proven = answer.verify()
        assert (proven.kind, proven.by, proven.chain) == (
            "answer",
            ada.hub.node_id,
            (bob.hub.node_id,),
        )
        assert (proven.question, proven.agent) == ("what do you see?", "helper")
        assert proven.parts[0] == "first second\n"
        assert "image/png" in proven.parts[1]["data"]
        assert abs(proven.at - proven.asked_at) < 60
        assert "what do you see?" in proven.to_text()
        again = pickle.loads(pickle.dumps(answer))
        file = again.verify().save(tmp_path / "answer.proof")
    capsys.readouterr()
    assert main(["verify", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["by"], said["question"]) == (ada.hub.node_id, "what do you see?")
    assert main(["verify", str(file)]) == 0
    assert "The signatures match." in capsys.readouterr().out
    file.write_text(file.read_text().replace("second", "sekond"))
    assert main(["verify", str(file), "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"] == "proof_forged"
    assert err.startswith("proof_forged: ")


async def test_a_proof_of_another_answer_is_refused(tmp_path):
    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, lambda turn: turn.prompt, name="helper")
        one, two = [await run(bobs.ask, "ada", text) for text in ("one", "two")]
        with pytest.raises(ProofForgedError, match="another answer"):
            Answer(["one"], "ada", 0.1, two.proof).verify()
        assert one.verify().question == "one"


async def test_an_answer_that_is_too_large_to_be_kept_has_no_proof(tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_peer.agents.questions.MAX_KEPT", 10_000)
    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, lambda turn: "x" * 100_000, name="helper")
        answer = await run(bobs.ask, "ada", "how long?")
        assert len(answer) == 100_000
        with pytest.raises(ProofIncompleteError, match="no proof"):
            answer.verify()


async def test_a_view_says_who_signed_what_it_shows(tmp_path, capsys):
    async with ada_and_bob(tmp_path) as (_, bobs, ada, bob):
        publisher = ada.extension.context.running.operations.publisher
        tap = FakeTap()
        publisher.kernels.tap = lambda kernel_id: tap
        await publisher.share(
            SharePane("loss", "Training", "k1", {"cell": "cell"}), with_=[bob.hub.node_id]
        )
        await until(bob.extension.context.running.operations.watcher.offered)
        tap.write("loss 0.02\n" + "x" * 10_000)
        view = await run(bobs.open, "ada/loss")
        tap.write("loss 0.01\n")
        first, second = await run(view.provenance), await run(view.provenance)
        for proven in (first, second):
            assert (proven.kind, proven.by, proven.pane) == ("pane", ada.hub.node_id, "loss")
            (output,) = proven.outputs
            assert output["text"].endswith("loss 0.01\n")
            assert len(output["text"]) > 10_000
        # The view goes on from the state that was proven.
        await run(view.wait_for_update, 5)
        tap.write("the end\n")
        await until(lambda: view.outputs[0]["text"].endswith("the end\n"))
        file = second.save(tmp_path / "pane.proof")
        await run(view.close)
    capsys.readouterr()
    assert main(["verify", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "loss 0.01" in shown
    assert f"loss (Training), after {second.rev} changes" in shown


def test_a_file_that_cannot_be_read_is_an_error_with_a_hint(tmp_path, capsys):
    assert main(["verify", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("bad_request: ")
    assert main(["verify"]) == 2
