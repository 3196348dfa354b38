"""An additional listener on a kernel's IOPub socket.

It works for any kernel language and without a browser, because it needs only the Jupyter protocol. A
new subscription is not live at once, and messages before that are lost. So :meth:`KernelTap.start`
sends info requests on the control channel, which a busy kernel answers too, until a message arrives
on IOPub. jupyter_server does the same for its WebSockets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hmac import compare_digest
from typing import Any

import msgspec
import zmq
import zmq.asyncio
from jupyter_client.session import DELIM, Session
from zmq.utils.monitor import recv_monitor_message

from ....errors import KernelGoneError, PeerTimeoutError
from ....phrase import phrase
from ....primitives import background
from ....primitives.backoff import Backoff
from ....primitives.pauses import pause_until
from ..comms import read
from ..masking import Mask, Masks
from ..outputs import clean, decode
from .listener import TapListener, TapMessage
from .shell import KernelShell
from .sockets import prepare, url_of

log = logging.getLogger(__name__)

Json = dict[str, Any]

START_TIMEOUT_S = 10.0
_FIRST_NUDGE_S = 0.05
_LAST_NUDGE_S = 0.5
_LAST_WORDS_MS = 5
#: Frames over this are verified and parsed in a thread.
_HEAVY = 1024 * 1024
#: After so many messages in a row the rest of the program gets its turn.
_IN_A_ROW = 64
# HMAC, header, parent_header, metadata, content.
_PARTS = 5


class _Header(msgspec.Struct):
    msg_id: str = ""
    msg_type: str = ""
    session: str = ""


_STATUS = "status"
_BORN = ("starting", "restarting")


_decoder = msgspec.json.Decoder(_Header | None)


def _read_header(part: memoryview) -> _Header:
    return _decoder.decode(part) or _Header()


class KernelTap:
    """Listens to one kernel for any number of panes.

    It closes itself when the last listener leaves and when the kernel restarts. A restarted kernel
    needs a new tap.

    Args:
        kernel_id: Id of the kernel, for the log.
        manager: The kernel's ``KernelManager``, or an object with its ``get_connection_info`` and
            ``add_restart_callback``.
        on_close: Called once when the tap has closed.
        timeout: Seconds to wait for a sign of life.
        secrets: Returns the secrets of this node, which no listener may receive.
    """

    def __init__(
        self,
        kernel_id: str,
        manager: Any,
        *,
        on_close: Callable[[], None] = lambda: None,
        timeout: float = START_TIMEOUT_S,
        secrets: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._masks = Masks(secrets)
        self.kernel_id = kernel_id
        self._manager = manager
        self._on_close = on_close
        self._timeout = timeout
        self._listeners: list[TapListener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._starting: asyncio.Task[None] | None = None
        self._live = asyncio.Event()
        self._iopub: zmq.asyncio.Socket | None = None
        self._session: Session | None = None
        self._shell: KernelShell | None = None
        self._kernel_session = ""
        self._has_seen_any = False
        self._has_warned = False
        self._is_taking = False
        self.is_closed = False

    def subscribe(self, listener: TapListener) -> Callable[[], None]:
        """Add a listener; the returned callable removes it and may be called twice."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
                if not self._listeners:
                    self.close()

        return unsubscribe

    def send(
        self,
        msg_type: str,
        content: Json,
        metadata: Json | None = None,
        buffers: Sequence[bytes] = (),
    ) -> str:
        """Send the kernel a message on its shell channel.

        Returns:
            Its id, which is the parent id of its effects.

        Raises:
            KernelGoneError: The kernel has ended, or accepts no more messages.
        """
        if self.is_closed or self._session is None:
            raise KernelGoneError
        if self._shell is None:
            self._shell = KernelShell(self._manager.get_connection_info(), self._session)
        return self._shell.send(msg_type, content, metadata or {}, buffers)

    async def start(self) -> None:
        """Wait until the subscription is live; several callers may wait at once.

        Raises:
            KernelGoneError: The kernel has no sockets here, or has ended meanwhile.
            PeerTimeoutError: The kernel gave no sign of life in time.
        """
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())
            self._starting.add_done_callback(_retrieve)
        # A caller that is cancelled must not stop the start for the others.
        await asyncio.shield(self._starting)
        if self.is_closed:
            raise KernelGoneError("the kernel has ended")

    async def _start(self) -> None:
        if self.is_closed:
            return
        try:
            self._connect()
            await self._nudge()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        info = self._manager.get_connection_info()
        if not info.get("iopub_port") or not info.get("control_port"):
            raise KernelGoneError(
                "the kernel has no sockets on this machine",
                hint="kernels behind a gateway cannot be shared from this server",
            )
        key = info.get("key") or b""
        self._session = Session(
            key=key.encode() if isinstance(key, str) else key,
            signature_scheme=info.get("signature_scheme") or "hmac-sha256",
        )
        context = zmq.asyncio.Context(zmq.Context.instance())
        self._iopub = iopub = context.socket(zmq.SUB)
        prepare(iopub, info)
        monitor = iopub.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        iopub.subscribe(b"")
        iopub.connect(url_of(info, "iopub"))
        self._tasks = [
            background.start(self._pump(iopub), "hearing a kernel"),
            background.start(self._watch_connection(iopub, monitor), "watching a kernel"),
        ]
        for event in ("restart", "dead"):
            self._manager.add_restart_callback(self._on_restart, event)

    async def _nudge(self) -> None:
        info = self._manager.get_connection_info()
        assert self._session is not None
        control: Any = zmq.Context.instance().socket(zmq.DEALER)
        prepare(control, info)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        pauses = Backoff(_FIRST_NUDGE_S, _LAST_NUDGE_S)
        try:
            control.connect(url_of(info, "control"))
            while not self._live.is_set() and not self.is_closed:
                left = deadline - loop.time()
                if left <= 0:
                    raise PeerTimeoutError(
                        phrase(
                            "the kernel gave no sign of life within {timeout:g} s",
                            timeout=self._timeout,
                        ),
                        hint="wait until it is idle, or restart it",
                    )
                request = self._session.msg("kernel_info_request")
                try:
                    control.send_multipart(self._session.serialize(request), zmq.NOBLOCK)
                except zmq.Again:
                    log.debug("kernel %s takes no request yet", self.kernel_id)
                await pause_until(self._live, min(pauses.next(), left))
        finally:
            control.close(linger=0)

    async def _pump(self, iopub: zmq.asyncio.Socket) -> None:
        taken = 0
        while not self.is_closed:
            frames = await iopub.recv_multipart(copy=False)
            taken += 1
            if taken % _IN_A_ROW == 0:
                await asyncio.sleep(0)
            self._is_taking = True
            try:
                await self._take([frame.buffer for frame in frames])
            except (ValueError, msgspec.MsgspecError) as error:
                # A kernel that sends such a message once sends it always.
                level = logging.DEBUG if self._has_warned else logging.WARNING
                self._has_warned = True
                log.log(level, "kernel %s: a message is left out: %s", self.kernel_id, error)
            except Exception:
                log.exception("kernel %s: a message is left out", self.kernel_id)
            finally:
                self._is_taking = False

    async def _take(self, frames: Sequence[memoryview]) -> None:
        start = next((at for at, frame in enumerate(frames) if frame == DELIM), len(frames)) + 1
        parts, buffers = frames[start : start + _PARTS], frames[start + _PARTS :]
        if len(parts) < _PARTS:
            raise ValueError("it is cut short")
        header = _read_header(parts[1])
        parent = _read_header(parts[2])
        if self._is_other_kernel(header, parent, parts):
            self._verify(parts)
            self.end("the kernel was restarted")
            return
        if header.msg_type == _STATUS and self._masks.is_holding(parent.msg_id):
            self._release(parent.msg_id)
        wanted = [each for each in self._listeners if each.wants(header.msg_type, parent.msg_id)]
        if not wanted and self._live.is_set():
            return
        reading = partial(self._read, header.msg_type, parts, buffers, self._masks.mask())
        if len(parts[4]) + sum([len(buffer) for buffer in buffers]) > _HEAVY:
            told = await asyncio.get_running_loop().run_in_executor(None, reading)
        else:
            told = reading()
        if not self._live.is_set():
            self._live.set()
        if told is None:
            return
        message = TapMessage(header.msg_type, parent.msg_id, *told, msg_id=header.msg_id)
        if header.msg_type == "stream":
            self._tell_stream(message, wanted)
        else:
            self._tell(message, wanted)

    def masked(self, output: Json, parent_id: str) -> Json:
        """Return an output that a front end shows, without the secrets of this node."""
        content = clean("stream", output) if output.get("output_type") == "stream" else None
        if content is None:
            masked: Json = self._masks.mask().value(output)
            return masked
        # The rest of a half-written secret may still come.
        text = self._masks.feed(parent_id, content["name"], content["text"])
        return content | {"output_type": "stream", "text": text}

    def _tell(self, message: TapMessage, wanted: Iterable[TapListener]) -> None:
        for listener in wanted:
            if listener in self._listeners:
                listener.on_message(message)

    def _tell_stream(self, message: TapMessage, wanted: Sequence[TapListener]) -> None:
        name = message.content["name"]
        text = self._masks.feed(message.parent_id, name, message.content["text"])
        if text:
            self._tell(message._replace(content={"name": name, "text": text}), wanted)

    def _release(self, parent_id: str) -> None:
        """Pass on the withheld stream text of a message after the kernel has finished with it."""
        for name, text in self._masks.release(parent_id):
            message = TapMessage("stream", parent_id, {"name": name, "text": text})
            self._tell(
                message, [each for each in self._listeners if each.wants("stream", parent_id)]
            )

    def _read(
        self,
        msg_type: str,
        parts: Sequence[memoryview],
        buffers: Sequence[memoryview],
        mask: Mask,
    ) -> tuple[Json, list[str]] | None:
        self._verify(parts)
        content = decode(parts[4])
        # Streams are masked where their pieces are joined.
        if msg_type != "stream" and mask.is_in(bytes(parts[4])):
            content = mask.value(content)
        return read(msg_type, content, mask.buffers(buffers))

    def _verify(self, parts: Sequence[memoryview]) -> None:
        assert self._session is not None
        if self._session.auth is None:
            return
        if not compare_digest(self._session.sign(list(parts[1:_PARTS])), bytes(parts[0])):
            raise ValueError("its signature does not match")

    def _is_other_kernel(
        self, header: _Header, parent: _Header, parts: Sequence[memoryview]
    ) -> bool:
        had_seen_any, self._has_seen_any = self._has_seen_any, True
        if header.msg_type == "shutdown_reply":
            return True
        if header.session and header.session != parent.session:
            # Each process of a kernel has its own session id.
            before, self._kernel_session = self._kernel_session, header.session
            return bool(before) and before != header.session
        # Some kernels echo the client's session id; a restart shows in their status all the same.
        if header.msg_type != _STATUS or parent.msg_id or self._kernel_session or not had_seen_any:
            return False
        content = decode(parts[4])
        return isinstance(content, dict) and content.get("execution_state") in _BORN

    async def _watch_connection(self, iopub: zmq.asyncio.Socket, monitor: Any) -> None:
        try:
            await recv_monitor_message(monitor)
            # The other task still has to read the kernel's last messages.
            while self._is_taking or await iopub.poll(_LAST_WORDS_MS):  # noqa: ASYNC110
                await asyncio.sleep(_LAST_WORDS_MS / 1000)
        finally:
            monitor.close(linger=0)
        self.end("the connection to the kernel was lost")

    def _on_restart(self) -> None:
        self.end("the kernel was restarted")

    def end(self, reason: str) -> None:
        """Report the end of the kernel to the listeners, and close; may be called twice."""
        if self.is_closed:
            return
        log.info("kernel %s: %s", self.kernel_id, reason)
        listeners, self._listeners = self._listeners, []
        self.close()
        for listener in listeners:
            listener.on_end(reason)

    def close(self) -> None:
        """Stop listening; may be called twice."""
        if self.is_closed:
            return
        self.is_closed = True
        self._live.set()
        for event in ("restart", "dead"):
            self._manager.remove_restart_callback(self._on_restart, event)
        current = asyncio.current_task() if _is_in_loop() else None
        for task in self._tasks:
            if task is not current:
                task.cancel()
        if self._iopub is not None:
            self._iopub.disable_monitor()
            self._iopub.close(linger=0)
        if self._shell is not None:
            self._shell.close()
        self._on_close()


def _retrieve(task: asyncio.Task[None]) -> None:
    # Waiting callers get the error; without one it needs no warning.
    if not task.cancelled():
        task.exception()


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
