"""One row of the operation table, and the check of its parameters.

A row is the only place that describes an operation. The control socket, REST, the Python client,
the reference in ``docs/`` and the check of the browser's ``shapes.ts`` all read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import msgspec

from ..errors import BadRequestError
from ..wire.payloads.validation import misfit

P = TypeVar("P", bound=msgspec.Struct)
R = TypeVar("R", bound=msgspec.Struct)
S = TypeVar("S", bound=msgspec.Struct)

#: Seconds a client waits for a result, unless the row says otherwise.
ANSWER_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Rest:
    """The REST route of an operation.

    Attributes:
        method: The HTTP method.
        path: Below the API's root. A name in braces is a parameter of the operation.
        query: Parameters that the query string can hold, and their types. A GET has no other.
        body: Shape of the body where its names differ from the parameters': a struct whose
            attributes are named as the parameters, renamed on the wire. None takes ``params``.
        is_outcome: Whether an operation that fails is answered with 200 and ``{ok: false, error}``.
    """

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: str
    query: Mapping[str, type[str | int]] = field(default_factory=dict)
    body: type[msgspec.Struct] | None = None
    is_outcome: bool = False


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[P, R]):
    """One operation.

    Attributes:
        name: ``op`` in a frame of the control socket.
        params, result: Shapes of what goes in and comes out.
        help: One line for people.
        rest: Its REST route; None if only the control socket offers it.
        progress: Shape of a step on the way to the result; None if there is none.
        is_repeatable: Whether a client may send it again after it lost the answer.
        is_activity: Whether it is a sign of a person at work. Programs repeat the others on their
            own, so they do not keep a server from being culled.
        ends_unawaited: Whether the server cancels it once nobody waits for the result.
        timeout_s: Seconds a client waits for the result; None waits without limit.
    """

    name: str
    params: type[P]
    result: type[R]
    help: str
    rest: Rest | None = None
    progress: type[msgspec.Struct] | None = None
    is_repeatable: bool = False
    is_activity: bool = True
    ends_unawaited: bool = False
    timeout_s: float | None = ANSWER_TIMEOUT_S

    def read(self, fields: Mapping[str, Any]) -> P:
        """Return parameters that came from outside as their struct.

        Raises:
            BadRequestError: They do not fit.
        """
        return check_struct(self.params, fields)

    def read_body(self, fields: Mapping[str, Any]) -> P:
        """Return the parameters of a REST call: body or query, and path.

        Raises:
            BadRequestError: They do not fit.
        """
        shape = None if self.rest is None else self.rest.body
        if shape is None:
            return self.read(fields)
        return self.params(**msgspec.structs.asdict(check_struct(shape, fields)))


def check_struct(cls: type[S], fields: Mapping[str, Any]) -> S:
    """Return the fields as a struct.

    Raises:
        BadRequestError: They do not fit. The message names the field, never its value.
    """
    try:
        return msgspec.convert(fields, cls)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadRequestError(words_of(error)) from None


def words_of(error: Exception) -> str:
    """Return the text of a validation error as the beginning of a message."""
    text, has_place, place = misfit(error).rpartition(" - at `$")
    if not has_place:
        text, place = place, ""
    if " matching regex " in text:
        text = "these characters cannot stand there"
    said, where = text[:1].lower() + text[1:], place.rstrip("`").lstrip(".")
    return f"{where}: {said}" if where else said
