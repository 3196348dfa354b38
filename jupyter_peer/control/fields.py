"""Types of the fields that parameters and results of operations share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from ..phrase import Phrase

Json = dict[str, Any]

#: A name, an id or the like.
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
#: A number that JavaScript can hold.
Number = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]

Grant = Literal["view", "interact"]
GrantOrNone = Literal["view", "interact", "none"]
PeerStatus = Literal["connected", "connecting", "offline", "blocked"]


class ErrorModel(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error as a user reads it; ``code`` is stable and meant for programs.

    Attributes:
        message_phrase, hint_phrase: The texts for the page, if they have parameters or name a command.
    """

    code: str
    message: str
    hint: str
    message_phrase: Phrase | None = None
    hint_phrase: Phrase | None = None


class PersonModel(msgspec.Struct, frozen=True):
    """A node and its names."""

    node_id: str
    node_name: str
    alias: str | None


class NoParams(msgspec.Struct, frozen=True):
    """Parameters of an operation without any."""


class NameParams(msgspec.Struct, frozen=True):
    """The name of a pane or of a room, or a new one for this node."""

    name: Short


class Done(msgspec.Struct, frozen=True):
    """The result of an operation that returns nothing: ``{}``."""


class StepModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Progress of dialling or of a connection check.

    Attributes:
        step: ``dial``, ``connected`` or ``doctor``.
        address: The address that is dialled.
        ok: None while the step runs, then whether it succeeded.
        code, message, hint: Parts of the error; ``message`` also names the check that runs.
        message_phrase, hint_phrase: As in :class:`ErrorModel`.
    """

    step: str
    address: str | None = None
    ok: bool | None
    code: str = ""
    message: str = ""
    hint: str = ""
    message_phrase: Phrase | None = None
    hint_phrase: Phrase | None = None
