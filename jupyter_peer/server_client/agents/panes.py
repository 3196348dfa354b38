"""The panes that the asker of a turn may see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...document.plain_text import to_text
from ...errors import LookupFailedError
from ..connection import Json
from .requests import TurnRequests


class _AnyTurnPane:
    """Base of both kinds of panes: ``name, title, status, since, rev``."""

    def __init__(self, requests: TurnRequests, fields: Json) -> None:
        self._requests = requests
        self.name: str = fields["name"]
        self.title: str = fields.get("title", "")
        self.status: str = fields.get("status", "")
        self.since: float = fields.get("since", 0.0)
        self.rev: int = fields.get("rev", 0)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} ({self.status})>"


class TurnPane(_AnyTurnPane):
    """A pane that the asker may see: ``name, title, status, since, rev``, and its outputs."""

    @property
    def outputs(self) -> list[Json]:
        """The current outputs of the pane, as nbformat outputs."""
        outputs: list[Json] = self._requests.request("turn_pane", {"name": self.name})["outputs"]
        return outputs

    @property
    def text(self) -> str:
        """The current outputs of the pane, as plain text."""
        return _text(self.outputs)


class AsyncTurnPane(_AnyTurnPane):
    """A pane that the asker may see, with coroutines: ``await pane.text()``."""

    async def outputs(self) -> list[Json]:
        """Return the current outputs of the pane, as nbformat outputs."""
        answer = await self._requests.request_async("turn_pane", {"name": self.name})
        outputs: list[Json] = answer["outputs"]
        return outputs

    async def text(self) -> str:
        """Return the current outputs of the pane, as plain text."""
        return _text(await self.outputs())


class TurnPanes(Mapping[str, TurnPane]):
    """The panes that the asker may see, by name."""

    def __init__(self, requests: TurnRequests) -> None:
        found = requests.request("turn_panes")["panes"]
        self._panes = {fields["name"]: TurnPane(requests, fields) for fields in found}

    def __getitem__(self, name: str) -> TurnPane:
        try:
            return self._panes[name]
        except KeyError:
            raise LookupFailedError(f"the asker cannot see a pane {name!r}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._panes

    def __iter__(self) -> Iterator[str]:
        return iter(self._panes)

    def __len__(self) -> int:
        return len(self._panes)

    def __repr__(self) -> str:
        return f"<TurnPanes {', '.join(self._panes) or 'none'}>"


async def panes_async(requests: TurnRequests) -> dict[str, AsyncTurnPane]:
    """Return the panes that the asker may see, by name."""
    found: Any = (await requests.request_async("turn_panes"))["panes"]
    return {fields["name"]: AsyncTurnPane(requests, fields) for fields in found}


def _text(outputs: list[Json]) -> str:
    return "\n".join(to_text(output) for output in outputs)
