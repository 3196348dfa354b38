"""The replacement for a kernel in a pane with fixed content: it sends nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ....errors import KernelGoneError
from ..masking import Masks
from .listener import TapListener

Json = dict[str, Any]

#: Its id among those of kernels, which are UUIDs.
STILL = "still"


class StillKernel:
    """A tap without a kernel.

    Args:
        secrets: Returns the secrets of this node, which no pane may show.
    """

    def __init__(self, secrets: Callable[[], Iterable[str]] = tuple) -> None:
        self._masks = Masks(secrets)

    def subscribe(self, listener: TapListener) -> Callable[[], None]:
        """Return a function that does nothing, because no message ever comes."""
        return lambda: None

    def send(
        self,
        msg_type: str,
        content: Json,
        metadata: Json | None = None,
        buffers: Sequence[bytes] = (),
    ) -> str:
        """Refuse a message.

        Raises:
            KernelGoneError: Always.
        """
        raise KernelGoneError("nothing runs behind this pane", hint="it can only be viewed")

    async def start(self) -> None:
        """Return at once, because no message can be missed."""

    def masked(self, output: Json, parent_id: str) -> Json:
        """Return an output without the secrets of this node."""
        masked: Json = self._masks.mask().value(output)
        return masked
