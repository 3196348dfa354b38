"""One typed struct per payload of the agents (SPEC section 6.3).

Asker to owner: ``agent_request``, ``agent_cancel``. Owner to asker: ``agent_stream``, and
``agent_result`` as the answer to the request.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from .agent_chain import MAX_HOPS, Chain, Hop, read_chain
from .hub import ErrorReply, Hash
from .panes import DisplayContent

#: Characters of a question, whatever the settings of a node allow.
MAX_PROMPT = 1024 * 1024
#: Characters of one ``agent_stream``, and of the ``text`` of a result.
MAX_CHUNK = 16 * 1024
#: Characters of a whole answer.
MAX_ANSWER = 1024 * 1024
#: Displays of a whole answer, and the bytes of all of them.
MAX_DISPLAYS = 32
MAX_DISPLAY_BYTES = 16 * 1024 * 1024
#: Characters of what an owner says of an agent.
MAX_DESCRIPTION = 500
#: Announces that a node receives displays in answers.
DISPLAYS = "agent-displays"

RequestId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
AgentName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
Prompt = Annotated[str, msgspec.Meta(max_length=MAX_PROMPT)]
Chunk = Annotated[str, msgspec.Meta(max_length=MAX_CHUNK)]
_NodeIds = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=16)]], msgspec.Meta(max_length=MAX_HOPS)
]
_Hops = Annotated[list[Hop], msgspec.Meta(max_length=MAX_HOPS)]
_Root = Annotated[str, msgspec.Meta(min_length=64, max_length=64)]


class ListedAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that the receiver may ask; its owner has written the ``description``."""

    name: AgentName
    description: Annotated[str, msgspec.Meta(max_length=MAX_DESCRIPTION)] = ""
    default: bool = False


class AgentList(msgspec.Struct, frozen=True, kw_only=True):
    """``agent_list``: the request for the list of agents (``{}``), and the answer with the list."""

    agents: Annotated[list[ListedAgent], msgspec.Meta(max_length=64)]


class AgentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """``agent_request``: a question, the chain of its askers, and its deadline.

    ``deadline`` and the ``ts`` of the envelope are times of the asker's clock. Their difference is
    the time that the asker waits.
    """

    request_id: RequestId
    agent: AgentName | None = None
    conversation: RequestId | None = None
    prompt: Prompt
    origin_chain: _NodeIds
    chain_root: _Root
    chain_proof: _Hops
    deadline: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.deadline):
            raise ValueError("a deadline is a time")

    def chain(self) -> Chain:
        """Return the chain of its askers; its signatures are not checked yet.

        Raises:
            MalformedError: The fields are not a chain.
        """
        return read_chain(self.origin_chain, self.chain_root, self.chain_proof)


class AgentStream(msgspec.Struct, frozen=True, kw_only=True):
    """``agent_stream``: the next piece of an answer, which is a text or a display.

    ``waiting`` means that the agent waits for its owner to allow a tool. ``n`` counts the pieces of
    one answer from 0; older versions do not send it.
    """

    request_id: RequestId
    text: Chunk = ""
    display: DisplayContent | None = None
    waiting: bool = False
    n: Annotated[int, msgspec.Meta(ge=0)] | None = None


class AgentResult(msgspec.Struct, frozen=True, kw_only=True):
    """``agent_result``: the end of an answer, with its last piece in ``text``, or an error.

    ``question`` is the SHA-256 of the question's canonical bytes, and ``pieces`` the number of
    pieces. So a person who shows the answer to others cannot leave out or replace a part.
    """

    request_id: RequestId
    ok: bool
    text: Chunk = ""
    error: ErrorReply | None = None
    question: Hash | None = None
    pieces: Annotated[int, msgspec.Meta(ge=0)] | None = None


class AgentCancel(msgspec.Struct, frozen=True, kw_only=True):
    """``agent_cancel``: the asker no longer waits for the answer."""

    request_id: RequestId
