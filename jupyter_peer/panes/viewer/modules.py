"""The code of widget modules from the owners of watched panes; each is sent once per link."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from ...errors import MalformedError, TooLargeError, UnsupportedError
from ...hub.hub import PeerHub
from ...phrase import phrase
from ...wire.payloads.hub import convert
from ...wire.payloads.panes import MAX_MODULE, MAX_MODULES, PaneModule

#: A module of the largest size on a slow connection takes long.
TIMEOUT_S = 120.0


class PeerModules:
    """Requests modules from one peer, and keeps them as long as the link lasts.

    Args:
        hub: The node.
        node_id: The owner.
        max_bytes: Bytes of all kept modules; the last used ones stay.
    """

    def __init__(self, hub: PeerHub, node_id: str, max_bytes: int = MAX_MODULES) -> None:
        self._hub = hub
        self._node_id = node_id
        self._max_bytes = max_bytes
        self._codes: OrderedDict[str, bytes] = OrderedDict()
        self._asking: dict[str, asyncio.Task[bytes]] = {}

    async def get(self, pane: str, module: str) -> bytes:
        """Return the code of a module.

        Args:
            pane: A pane that this node has open, with a widget of the module.
            module: Name of the module.

        Raises:
            PeerError: The owner refuses, or cannot be reached.
        """
        if module in self._codes:
            self._codes.move_to_end(module)
            return self._codes[module]
        task = self._asking.get(module)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(pane, module))
            self._asking[module] = task
            task.add_done_callback(lambda done: self._asked(module, done))
        return await asyncio.shield(task)

    def close(self) -> None:
        """Stop requests; may be called twice."""
        for task in self._asking.values():
            task.cancel()

    def _asked(self, module: str, task: asyncio.Task[bytes]) -> None:
        self._asking.pop(module, None)
        if task.cancelled() or task.exception() is not None:
            return
        self._codes[module] = task.result()
        while sum(map(len, self._codes.values())) > self._max_bytes:
            self._codes.popitem(last=False)

    async def _ask(self, pane: str, module: str) -> bytes:
        asked = {"pane": pane, "module": module}
        try:
            reply = await self._hub.request(self._node_id, "pane_module", asked, timeout=TIMEOUT_S)
        except UnsupportedError:
            raise UnsupportedError(
                "the owner runs a version of jupyter-peer that gives no code of widgets",
                hint=phrase(
                    "ask the owner to update jupyter-peer, to see widgets of '{module}'",
                    module=module,
                ),
            ) from None
        answer = convert(reply.data, PaneModule)
        if reply.type != "pane_module" or answer.module != module or len(reply.buffers) != 1:
            raise MalformedError("the answer is not the code of the module that was asked for")
        if len(reply.buffers[0]) > MAX_MODULE:
            raise TooLargeError(
                phrase("the code of the widget module '{module}' is too large", module=module)
            )
        return bytes(reply.buffers[0])
