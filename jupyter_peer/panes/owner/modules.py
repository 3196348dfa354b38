"""Sends viewers the code that draws a pane's widgets, from the environment of the owner.

The viewer needs no installation, and runs the code only in the frame of the pane.
"""

from __future__ import annotations

import asyncio
import base64
import mimetypes
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

from ...document.blobs import blob_hash
from ...errors import BusyError, NotGrantedError, TooLargeError, UnknownModuleError
from ...hub.hub import PeerHub
from ...hub.message import Message
from ...phrase import phrase
from ...primitives.rate_limit import RateLimit
from ...wire.payloads.hub import convert
from ...wire.payloads.panes import MAX_MODULE, MAX_MODULES, PaneModule
from .installed import InstalledModules
from .pane import OwnPane

#: Modules that one viewer asks for: at once, and a second.
BURST, RATE = 32, 1 / 10
_MAX_REMEMBERED = 4096
#: How a bundle of webpack names a picture that lies beside it, by the hash of its content.
_PICTURE = re.compile(rb'exports=\w+\.p\+"([0-9a-f]{16,64}\.(?:png|svg|gif|jpg|jpeg|webp))"')


def with_pictures(code: bytes, folder: Path) -> bytes:
    """Return the code of a module with the pictures of its folder embedded.

    The frame in which the code runs cannot load them.
    """

    def inlined(match: re.Match[bytes]) -> bytes:
        file = folder / match[1].decode()
        if not file.is_file() or file.stat().st_size > MAX_MODULE:
            return match[0]
        kind = (mimetypes.guess_type(file.name)[0] or "").encode()
        return b'exports="data:%s;base64,%s"' % (kind, base64.b64encode(file.read_bytes()))

    return _PICTURE.sub(inlined, code)


class PaneModules:
    """Answers ``pane_module``.

    It sends only modules that a model of the pane names, so a viewer cannot find out what else is
    installed.

    Args:
        hub: The node.
        granted: Returns a pane that a node may see; see :meth:`.PaneRequests.granted`.
        folders: Returns the folders that hold modules.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        hub: PeerHub,
        granted: Callable[[str, str], OwnPane],
        folders: Callable[[], Iterable[Path]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._granted = granted
        self._installed = InstalledModules(folders)
        self._clock = clock
        self._limits: OrderedDict[str, RateLimit] = OrderedDict()
        hub.on("pane_module", self._on_module)

    async def _on_module(self, message: Message) -> None:
        if message.re is not None:
            return  # the request has ended, so nobody waits for an answer
        asked = convert(message.data, PaneModule)
        pane = self._granted(message.peer_id, asked.pane)
        named = pane.state.widgets.modules()
        if message.peer_id not in pane.audience.viewers or asked.module not in named:
            raise NotGrantedError(
                phrase(
                    "no widget of the open pane '{pane}' needs the module '{module}'",
                    pane=asked.pane,
                    module=asked.module,
                ),
                hint=phrase(
                    "open '{pane}', and ask for the modules of its widgets", pane=asked.pane
                ),
            )
        if not self._may_ask(message.peer_id):
            raise BusyError(
                phrase(
                    "the code of too many widget modules was asked for: {most} at once",
                    most=BURST,
                ),
                hint=phrase(
                    "wait {seconds:.0f} s before asking for '{module}' again",
                    seconds=1 / RATE,
                    module=asked.module,
                ),
            )
        read = asyncio.get_running_loop().run_in_executor
        code = await read(None, self._read, asked.module, named)
        # The grant may have been revoked meanwhile.
        self._granted(message.peer_id, asked.pane)
        answer = {"pane": asked.pane, "module": asked.module}
        message.reply("pane_module", answer, [code], digests=[blob_hash(code)])

    def _may_ask(self, node_id: str) -> bool:
        limit = self._limits.pop(node_id, None) or RateLimit(RATE, BURST)
        self._limits[node_id] = limit
        if len(self._limits) > _MAX_REMEMBERED:
            self._limits.popitem(last=False)
        return limit.allows(self._clock())

    def _read(self, name: str, named: Iterable[str]) -> bytes:
        """Return the code of a module.

        Raises:
            UnknownModuleError: The module is not installed here.
            TooLargeError: The module is too large, or all modules of the pane together are.
        """
        found = self._installed.find(name)
        if found is None:
            raise UnknownModuleError(
                phrase(
                    "the environment of {node_name} has no code for the widget module '{name}'",
                    node_name=self._hub.node_name,
                    name=name,
                ),
                hint=phrase(
                    "{node_name} can install the Python package that brings '{name}'",
                    node_name=self._hub.node_name,
                    name=name,
                ),
            )
        before = [self._installed.find(each) for each in named if each < name]
        total = found.size + sum(each.size for each in before if each is not None)
        code = b""
        if found.size <= MAX_MODULE and total <= MAX_MODULES:
            code = with_pictures(found.code(named), found.folder)
        if not 0 < len(code) <= MAX_MODULE:
            raise TooLargeError(
                phrase(
                    "the code of the widget module '{name}' is too large: a module has at most "
                    "{most} MiB, those of a pane {most_of_pane} MiB",
                    name=name,
                    most=MAX_MODULE >> 20,
                    most_of_pane=MAX_MODULES >> 20,
                ),
                hint=phrase("share what '{name}' shows as a picture", name=name),
            )
        return code
