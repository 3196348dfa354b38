"""Clients of the control socket: a kernel's connects to its own server, the command line's to any.

``Client`` blocks and may be used from any thread; ``AsyncClient`` is the same as coroutines. Both
offer the calls of :mod:`.calls.calls`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from ..control.rows.agents import DEFAULT_TIMEOUT_S
from ..errors import NoServerError
from .agents.host import AgentHost
from .agents.local_agent import Answering, function_agent
from .agents.turn import turn_of_caller
from .bridge import Awaiting, Blocking, Face, awaiting_into, blocking_into, wait
from .calls.calls import Calls
from .connection import Connection, Dial, Json, LoopThread
from .core import ServerCore
from .dialling import dial_to
from .results.answers import Answer, AnswerPiece, AnswerStream, AsyncAnswerStream, Begin
from .views.presenting import Presenting, presenting_cell
from .views.share import AsyncSharedPane, SharedPane
from .views.view import AsyncView, View

URL = "JUPYTER_PEER_URL"
SECRET_FILE = "JUPYTER_PEER_SECRET_FILE"  # noqa: S105 - the variable's name
KERNEL_ID = "JUPYTER_PEER_KERNEL_ID"
CERTIFICATE = "JUPYTER_PEER_CERTIFICATE"


class _AnyClient(Calls, Face[ServerCore]):
    """The methods of both kinds of clients that concern agents and events."""

    def agent(
        self,
        answer: Answering | None = None,
        *,
        name: str | None = None,
        tools: Sequence[Callable[..., Any]] = (),
        description: str = "",
    ) -> Any:
        """Register a function as an agent of this kernel: ``@me.agent(name="helper")``.

        The function takes a :class:`.Turn` and returns the answer: a text, an iterator or
        asynchronous iterator of texts, or a coroutine of one of these. It runs in a thread of its
        own for each turn, also while a cell runs. Peers can ask once ``%peer agent on`` says so.

        Args:
            answer: The function, if the decorator is used without parentheses.
            name: Name for askers; None uses the name of the function.
            tools: Functions that it may call as ``turn.tools``; those marked with
                ``@peer.tool(read_only=True)`` without asking you.
            description: Description for peers; None uses the beginning of the docstring.

        Raises:
            BadNameError: The name cannot be used, or an agent of another kernel has it.
            BadRequestError: A tool cannot be used.
        """

        def register(function: Answering) -> Answering:
            wait(
                self.thread, self.host.register(function_agent(function, name, tools, description))
            )
            return function

        return register if answer is None else register(answer)

    def serve(
        self,
        agent: Any,
        name: str | None = None,
        *,
        read_only: Sequence[str] = (),
        tools: Sequence[str] = (),
        description: str = "",
    ) -> None:
        """Register an agent of pydantic-ai as an agent of this kernel: ``me.serve(agent)``.

        Its text is streamed to the asker. In a turn it has those of its tools that the mode allows.
        A refused call is a result from which its model can go on.

        Args:
            agent: The agent; needs the extra ``agents``.
            name: Name for askers; None uses the name of the agent.
            read_only: Names of tools that change nothing, besides the functions that are marked
                with ``@peer.tool(read_only=True)``.
            tools: Names of more tools that you can allow, such as those of an MCP server.
            description: Description for peers.

        Raises:
            BadNameError: The name cannot be used, or an agent of another kernel has it.
            BadRequestError: This is no such agent, or a tool cannot be used.
        """
        from .agents.pydantic_agents import served_agent

        wait(
            self.thread,
            self.host.register(served_agent(agent, name, read_only, tools, description)),
        )

    def guide(
        self,
        variables: Mapping[str, Any] | None = None,
        *,
        name: str = "guide",
        cells: bool = False,
        model: Any = None,
    ) -> None:
        """Register the notebook guide, which tells peers of the variables of this notebook.

        It lists names, types and sizes, describes a variable that a question names, and reads panes
        that the asker may see. It shows no variable, key or column whose name looks like a secret.
        It runs nothing that a peer sends, and writes only values of Python's own classes, numpy and
        pandas; others it names. ``%peer guide`` registers it and lets peers ask.

        Args:
            variables: What it answers from; by default all variables of the notebook, as they are then.
            name: What askers call it.
            cells: Whether it also shows the cells that have run, and in mode ``ask`` runs one of them
                again when you allow the call.
            model: A model of pydantic-ai, or its name, that answers with these tools; needs the extra
                ``agents``. Without it the guide looks for names in the question.

        Raises:
            BadNameError: The name cannot be used, or an agent of another kernel has it.
            BadRequestError: The model needs a package that is not installed.
        """
        from .agents.guide.guide import guide_agent

        wait(self.thread, self.host.register(guide_agent(name, variables, model, cells=cells)))

    def remove_agent(self, name: str) -> None:
        """Remove an agent of this kernel, and end its turns.

        Raises:
            LookupFailedError: This kernel has no agent of that name.
        """
        wait(self.thread, self.host.unregister(name))

    @property
    def host(self) -> AgentHost:
        """Runs this kernel's agents; the blocking and the async client share it."""
        core = self.core
        if core.host is None:
            core.host = AgentHost(core, self.thread)
        host: AgentHost = core.host
        return host

    def on_event(self, event: str, callback: Callable[[Json], None]) -> Callable[[], None]:
        """Call back, on the client's thread, with each event of a name; return a function that stops it.

        Events are ``peers``, ``panes``, ``invites``, ``lobby``, ``chat``, and ``link`` (``{"is_up": bool}``).
        """
        connection = self.core.connection
        ends: list[Callable[[], None]] = []

        def begin() -> None:
            if event == "link":
                ends.append(connection.on_link(lambda is_up: callback({"is_up": is_up})))
            else:
                ends.append(connection.subscribe(event, callback))

        self.thread.soon(begin)
        return lambda: self.thread.soon(lambda: ends and ends.pop()())


@final
class Client(_AnyClient, Blocking[ServerCore]):
    """The blocking client; thread-safe. Its errors are those of :mod:`jupyter_peer.errors`.

    Args:
        url: The server's http or https URL, its ``base_url`` included.
        secret: The secret of this kernel or of the command line.
        kernel_id: Id of the kernel this runs in; None outside of one.
        certificate: Path of the server's TLS certificate, to accept no other.
        dial: Opens the control socket, in place of one to ``url``.
    """

    def __init__(
        self,
        url: str = "",
        secret: str = "",
        kernel_id: str | None = None,
        certificate: str | None = None,
        *,
        dial: Dial | None = None,
    ) -> None:
        connection = Connection(dial or dial_to(url, secret, certificate))
        super().__init__(ServerCore(connection, kernel_id), LoopThread("jupyter-peer client"))
        self.url = url

    share = blocking_into(SharedPane, ServerCore.share)
    open = blocking_into(View, ServerCore.open)

    def present(
        self,
        name: str,
        with_: Sequence[str] = (),
        grant: str = "view",
        title: str = "",
        *,
        tracebacks: bool = True,
        other_widgets: str = "values",
    ) -> SharedPane:
        """Share all outputs of this notebook as one pane, cell by cell as its cells run from now on.

        The source of the cells is not shown. ``unshare`` of the result, or ``%peer unshare``, ends it.

        Args:
            name: Name of the pane.
            with_: Peers that may see it at once.
            grant: ``view`` or ``interact``.
            title: For people.
            tracebacks: Whether errors show their traceback, which quotes lines of your source.
            other_widgets: As for ``share``.

        Raises:
            BadRequestError: This is not a cell of a notebook.
            PeerError: As ``share``.
        """
        cell = presenting_cell()
        pane = self.share(
            name,
            with_,
            grant,
            title,
            cell=cell,
            notebook=True,
            tracebacks=tracebacks,
            other_widgets=other_widgets,
        )
        Presenting(self.core.connection, self.thread, name).start()
        return pane

    def ask(
        self,
        peer: str,
        text: str,
        timeout: float = DEFAULT_TIMEOUT_S,
        *,
        agent: str | None = None,
        after: Answer | None = None,
    ) -> Answer:
        """Ask a peer's agent and return its answer, a ``str``.

        An interrupt cancels the peer's turn. Inside a turn of an agent the question carries its
        chain, so that agents do not ask each other in circles.

        Args:
            peer: Any of its names.
            text: The question.
            timeout: Seconds until the question expires.
            agent: Which of the peer's agents; None leaves it to the peer.
            after: The answer that the question refers to; the agent can read that conversation.

        Raises:
            NotEnabledError, NotTrustedError, UnknownAgentError, BusyError: The peer refused it.
            AgentLoopError, TooManyHopsError: It was forwarded in a circle, or too often.
            AgentFailedError, AgentGoneError, PeerTimeoutError, LinkError: The answer failed.
        """
        turn = turn_of_caller(self.thread)
        asking = self.core.ask(peer, text, timeout, agent=agent, turn=turn, after=after)
        return wait(self.thread, asking)

    def ask_stream(
        self,
        peer: str,
        text: str,
        timeout: float = DEFAULT_TIMEOUT_S,
        *,
        agent: str | None = None,
        after: Answer | None = None,
    ) -> AnswerStream:
        """Ask a peer's agent and iterate over the pieces of the answer; see :meth:`ask`.

        An interrupt or ``close()`` ends the iteration and cancels the peer's turn.
        """
        return AnswerStream(
            self.thread,
            _begin_ask(self.core, peer, text, timeout, agent, turn_of_caller(self.thread), after),
        )

    @functools.cached_property
    def aio(self) -> AsyncClient:
        """The same client with coroutines, on the same connection."""
        return AsyncClient(self.core, self.thread)

    def close(self) -> None:
        """Close the connection and end the thread; views freeze. May be called twice."""
        with contextlib.suppress(NoServerError):
            wait(self.thread, self.core.connection.close())
        self.thread.stop()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncClient(_AnyClient, Awaiting[ServerCore]):
    """The client as coroutines, for async cells; ``await client`` waits for the connection."""

    share = awaiting_into(AsyncSharedPane, ServerCore.share)
    open = awaiting_into(AsyncView, ServerCore.open)

    async def present(
        self,
        name: str,
        with_: Sequence[str] = (),
        grant: str = "view",
        title: str = "",
        *,
        tracebacks: bool = True,
        other_widgets: str = "values",
    ) -> AsyncSharedPane:
        """Share all outputs of this notebook as one pane; see :meth:`Client.present`."""
        cell = presenting_cell()
        pane = await self.share(
            name,
            with_,
            grant,
            title,
            cell=cell,
            notebook=True,
            tracebacks=tracebacks,
            other_widgets=other_widgets,
        )
        Presenting(self.core.connection, self.thread, name).start()
        return pane

    async def ask(
        self,
        peer: str,
        text: str,
        timeout: float = DEFAULT_TIMEOUT_S,
        *,
        agent: str | None = None,
        after: Answer | None = None,
    ) -> Answer:
        """Ask a peer's agent; see :meth:`Client.ask`. Cancelling this cancels the peer's turn."""
        turn = turn_of_caller(self.thread)
        asking = self.core.ask(peer, text, timeout, agent=agent, turn=turn, after=after)
        return await asyncio.wrap_future(self.thread.submit(asking))

    def ask_stream(
        self,
        peer: str,
        text: str,
        timeout: float = DEFAULT_TIMEOUT_S,
        *,
        agent: str | None = None,
        after: Answer | None = None,
    ) -> AsyncAnswerStream:
        """Ask a peer's agent and iterate over the answer with ``async for``."""
        return AsyncAnswerStream(
            self.thread,
            _begin_ask(self.core, peer, text, timeout, agent, turn_of_caller(self.thread), after),
        )

    def __await__(self) -> Generator[Any, None, AsyncClient]:
        yield from self.ready().__await__()
        return self


def _begin_ask(
    core: ServerCore,
    peer: str,
    text: str,
    timeout: float,
    agent: str | None,
    turn: int | None,
    after: Answer | None,
) -> Begin:
    def begin(on_piece: Callable[[AnswerPiece], None]) -> Coroutine[Any, Any, Answer]:
        return core.ask(peer, text, timeout, agent=agent, turn=turn, after=after, on_piece=on_piece)

    return begin


def kernel_client() -> Client:
    """Return this kernel's client without waiting for its connection; always the same one.

    Raises:
        NoServerError: No server with this extension started this kernel.
    """
    url, secret_file = os.environ.get(URL), os.environ.get(SECRET_FILE)
    if not url or not secret_file:
        raise NoServerError(
            "this Python was not started by a Jupyter server with jupyter-peer",
            hint="start `jupyter lab` where jupyter-peer is installed and run this in one of its "
            "notebooks; if it was installed just now, restart the server and this kernel",
        )
    # A forked process does not inherit the client's thread.
    rest = os.environ.get(KERNEL_ID), os.environ.get(CERTIFICATE)
    return _client_of(os.getpid(), url, secret_file, *rest)


@functools.lru_cache(maxsize=1)
def _client_of(
    pid: int, url: str, secret_file: str, kernel_id: str | None, certificate: str | None
) -> Client:
    try:
        secret = Path(secret_file).read_text(encoding="ascii")
    except (OSError, ValueError):
        raise NoServerError(
            f"the secret of this kernel cannot be read from {secret_file}",
            hint="restart this kernel from its notebook; if its server has ended, start it again",
        ) from None
    client = Client(url, secret, kernel_id, certificate)
    atexit.register(client.close)
    return client


def client() -> Client:
    """Return this kernel's client, connected to the server that started the kernel.

    Raises:
        NoServerError: No server with this extension did, or it does not answer.
    """
    kernels_own = kernel_client()
    kernels_own.ready()
    return kernels_own
