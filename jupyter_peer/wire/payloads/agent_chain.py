"""The signed chain of nodes that a question has passed (SPEC section 6.3).

Each node that forwards a question signs the root of the chain, the hop before its own, and the node
that it asks. So a chain cannot name a node that took no part, leave out a node in the middle, or be
shown to another node. A chain cannot prevent a node from asking a question of its own, with a new
chain.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated

import msgspec

from ...errors import AgentLoopError, BadChainError, BadSignatureError, MalformedError
from ..link.identity import Identity, decode_public_key, is_node_id, node_id_of, verify
from .hub import Base64Key

ROOT_BYTES = 32
#: Hops of the longest chain there can be; a node takes as many as its settings say.
MAX_HOPS = 16
_LABEL = b"jupyter-peer/1 hop"


class Hop(msgspec.Struct, frozen=True):
    """One entry of ``chain_proof``: the key of a node that forwarded, and its signature, in base64."""

    public_key: Base64Key
    sig: Annotated[str, msgspec.Meta(min_length=88, max_length=88)]

    def signature(self) -> bytes:
        """Return the raw signature.

        Raises:
            MalformedError: The signature is not strict base64 of 64 bytes.
        """
        try:
            raw = base64.b64decode(self.sig, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 64:
            raise MalformedError("a signature must be base64 of 64 bytes")
        return raw


class Chain(msgspec.Struct, frozen=True):
    """The nodes that a question has passed so far.

    Attributes:
        nodes: Node ids; the first asker comes first, the current one last.
        root: 32 random bytes that the first asker chose.
        proof: One hop a node.
    """

    nodes: tuple[str, ...]
    root: bytes
    proof: tuple[Hop, ...]

    def fields(self) -> dict[str, object]:
        """Return the fields ``origin_chain``, ``chain_root`` and ``chain_proof`` of a message."""
        return {
            "origin_chain": list(self.nodes),
            "chain_root": self.root.hex(),
            "chain_proof": [msgspec.to_builtins(hop) for hop in self.proof],
        }


def begin_chain(identity: Identity, root: bytes, next_id: str) -> Chain:
    """Return the chain of a new question.

    Args:
        identity: Identity of the node that asks.
        root: 32 random bytes, new for each question.
        next_id: Node id of the node that is asked.
    """
    return extend_chain(Chain((), root, ()), identity, next_id)


def extend_chain(chain: Chain, identity: Identity, next_id: str) -> Chain:
    """Return a chain with one more node.

    Raises:
        AgentLoopError: That node is in the chain, or is this node itself.
    """
    if next_id in chain.nodes or next_id == identity.node_id:
        raise AgentLoopError("this question has already been at that node")
    before = chain.proof[-1].signature() if chain.proof else b""
    signature = identity.sign(_signed(chain.root, before, next_id))
    hop = Hop(identity.public_key_b64, base64.b64encode(signature).decode())
    return Chain((*chain.nodes, identity.node_id), chain.root, (*chain.proof, hop))


def read_chain(nodes: list[str], root: str, proof: list[Hop]) -> Chain:
    """Return the chain of a message; checks only its form, see :func:`check_chain`.

    Raises:
        MalformedError: A field has a wrong form, or the lists differ in length.
    """
    if not 0 < len(nodes) <= MAX_HOPS or len(nodes) != len(proof):
        raise MalformedError("a chain has 1 to 16 nodes and a proof of each")
    if not all(map(is_node_id, nodes)) or len(set(nodes)) != len(nodes):
        raise MalformedError("a chain names each node once, by its id")
    try:
        raw = bytes.fromhex(root)
    except ValueError:
        raw = b""
    if len(raw) != ROOT_BYTES or raw.hex() != root:
        raise MalformedError("the root of a chain is 64 hex digits, lower case")
    return Chain(tuple(nodes), raw, tuple(proof))


def check_chain(chain: Chain, sender_id: str, own_id: str) -> None:
    """Check that each node of a chain has signed its hop, and that the chain leads to this node.

    Args:
        chain: The chain, as received.
        sender_id: Id of the sender, at the other end of the link.
        own_id: Id of this node, which is asked.

    Raises:
        BadChainError: The chain does not end at the sender, or a signature does not match.
    """
    if chain.nodes[-1] != sender_id:
        raise BadChainError("the chain does not end at the sender")
    before = b""
    for node_id, hop, next_id in zip(
        chain.nodes, chain.proof, (*chain.nodes[1:], own_id), strict=True
    ):
        try:
            key, signature = decode_public_key(hop.public_key), hop.signature()
            if node_id_of(key) != node_id:
                raise BadChainError("a key of the chain does not belong to the node it names")
            verify(key, signature, _signed(chain.root, before, next_id))
        except (BadSignatureError, MalformedError) as error:
            raise BadChainError("a hop of the chain was not signed by its node") from error
        before = signature


def _signed(root: bytes, before: bytes, next_id: str) -> bytes:
    return _LABEL + root + hashlib.sha256(before).digest() + next_id.encode("ascii")
