"""Agents that ask other nodes' agents: the chain goes on by itself, and does not go in circles."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from jupyter_peer.errors import (
    AgentLoopError,
    BadChainError,
    BusyError,
    PeerError,
    PeerTimeoutError,
    TooManyHopsError,
)
from jupyter_peer.wire.payloads.agent_chain import begin_chain, extend_chain
from tests.machine.waiting import until
from tests.peers.nodes import Node, nodes


def passing_on(node: Node, other: Node) -> Any:
    async def answer(turn):
        await turn.write(f"{node.hub.node_name}, ")
        await turn.write(await node.ask(other, turn.prompt, chain=turn.chain))

    return answer


async def seen_by(turn):
    await turn.write(str(len(turn.chain.nodes)))


async def test_a_question_passed_on_carries_everybody_it_came_through():
    async with nodes("ada", "bob", "cy") as (ada, bob, cy):
        bob.agent(passing_on(bob, cy))
        agent = cy.agent(seen_by)
        assert await ada.ask(bob) == "bob, 2"
        assert agent.turns[0].chain.nodes == (ada.id, bob.id)


async def test_a_circle_over_three_nodes_is_refused_where_it_closes():
    async with nodes("ada", "bob", "cy") as (ada, bob, cy):
        for node, other in ((ada, bob), (bob, cy), (cy, ada)):
            node.agent(passing_on(node, other))
        with pytest.raises(AgentLoopError):
            await ada.ask(bob)
        turns = [len(node.log("agent_turn")) for node in (ada, bob, cy)]
        assert turns == [0, 1, 1]


async def test_a_node_that_asks_on_in_a_circle_all_the_same_is_refused_by_the_first():
    """It signs a chain that leads back, which this program does not."""
    async with nodes("ada", "bob", "cy") as (ada, bob, cy):
        ada.agent(seen_by)
        to_bob = begin_chain(ada.hub.identity, bytes(32), bob.id)
        to_cy = extend_chain(to_bob, bob.hub.identity, cy.id)
        with pytest.raises(AgentLoopError):
            await sent(cy, ada, to_cy, leads_back=True)
        assert ada.log("agent_refused")[0][2]["code"] == "agent_loop"


async def test_a_chain_has_a_length_at_which_nobody_answers_any_more():
    names = ("ada", "bob", "cy", "dan", "eve")
    async with nodes(*names) as made:
        for node, other in itertools.pairwise(made):
            node.agent(passing_on(node, other))
        made[-1].agent(seen_by)
        # three hops: ada is asked by nobody
        assert await made[1].ask(made[2]) == "cy, dan, 3"
        with pytest.raises(TooManyHopsError):
            await made[0].ask(made[1])
        assert made[4].log("agent_refused")[0][2]["code"] == "too_many_hops"


async def sent(
    sender: Node, asked: Node, chain: Any, *, leads_back: bool = False, deadline: float = 2e9
) -> Any:
    """Let a node send a chain as it is, or led on by itself."""
    fields = chain.fields()
    if leads_back:
        from jupyter_peer.wire.payloads.agent_chain import Chain

        stranger = Chain(chain.nodes[1:], chain.root, chain.proof[1:])
        on = extend_chain(stranger, sender.hub.identity, asked.id)
        fields["origin_chain"].append(sender.id)
        fields["chain_proof"].append(on.fields()["chain_proof"][-1])  # type: ignore[index]
    data = {"request_id": "0" * 32, "prompt": "?", "deadline": deadline, **fields}
    return await sender.hub.request(asked.id, "agent_request", data)


@pytest.mark.parametrize("case", ["cut", "replayed to another", "not its own", "forged"])
async def test_a_chain_that_did_not_happen_is_refused(case):
    async with nodes("ada", "bob", "cy") as (ada, bob, cy):
        ada.agent(seen_by)
        to_bob = begin_chain(cy.hub.identity, bytes(32), bob.id)
        to_ada = extend_chain(to_bob, bob.hub.identity, ada.id)
        if case == "cut":
            cut = (to_ada.nodes[1:], to_ada.root, to_ada.proof[1:])
            chain = type(to_ada)(*cut)
        elif case == "replayed to another":
            chain = extend_chain(to_bob, bob.hub.identity, "a" * 16)
        elif case == "not its own":
            chain = begin_chain(cy.hub.identity, bytes(32), ada.id)
        else:
            named = (cy.id, bob.id)
            other = begin_chain(bob.hub.identity, bytes(32), ada.id)
            chain = type(to_ada)(named, bytes(32), (other.proof[0], other.proof[0]))
        with pytest.raises(BadChainError):
            await sent(bob, ada, chain)
        assert ada.log("agent_refused")[0][2]["code"] == "bad_chain"
        # the true one is answered
        assert (await sent(bob, ada, to_ada)).data["ok"] is True


async def test_a_question_whose_deadline_has_passed_is_not_answered():
    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(seen_by)
        chain = begin_chain(bob.hub.identity, bytes(32), ada.id)
        for deadline in (1.0, -1e308):
            with pytest.raises(PeerTimeoutError, match="before the question"):
                await sent(bob, ada, chain, deadline=deadline)
        assert agent.turns == []


async def test_a_question_that_is_being_answered_cannot_be_replaced_by_one_of_the_same_id():
    go_on = asyncio.Event()

    async def wait(turn: Any) -> None:
        await go_on.wait()
        await turn.write("first")

    async with nodes("ada", "bob") as (ada, bob):
        agent = ada.agent(wait)
        chain = begin_chain(bob.hub.identity, bytes(32), ada.id)
        asking = asyncio.ensure_future(sent(bob, ada, chain))
        await until(lambda: agent.turns)
        with pytest.raises(BusyError, match="this id is already being answered"):
            await sent(bob, ada, chain)
        go_on.set()
        assert (await asking).data["ok"] is True
        assert len(agent.turns) == 1


async def test_nobody_asks_itself():
    async with nodes("ada", "bob") as (ada, _):
        with pytest.raises(PeerError):
            await ada.ask(ada)


async def test_a_circle_of_new_questions_ends_at_the_limits():
    """What a chain cannot stop: each asks a question of its own for the one it answers."""
    async with nodes("ada", "bob", max_turn_s=5) as (ada, bob):

        def anew(node, other):
            async def answer(turn):
                await turn.write(await node.ask(other, turn.prompt))

            return answer

        ada.agent(anew(ada, bob))
        bob.agent(anew(bob, ada))
        with pytest.raises(PeerError) as caught:
            await ada.ask(bob)
        assert caught.value.code == "busy"
        assert len(ada.log("agent_turn")) + len(bob.log("agent_turn")) <= 4
