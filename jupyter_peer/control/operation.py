"""One row of the operation table, and the check of its parameters.

A row is the only place that describes an operation. The control socket, REST, the Python client,
the reference in ``docs/`` and the check of the browser's ``shapes.ts`` all read it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from ..errors import BadRequestError
from ..wire.payloads.validation import misfit

P = TypeVar("P", bound=msgspec.Struct)
R = TypeVar("R", bound=msgspec.Struct)
S = TypeVar("S", bound=msgspec.Struct)

#: Seconds that a client waits for a result by default.
ANSWER_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Operation(Generic[P, R]):
    """One operation.

    Attributes:
        name: ``op`` in a frame of the control socket.
        params, result: Shapes of the parameters and of the result.
        help: One line for people.
        rest: Its REST route as ``METHOD path``. A name in braces is a parameter; names after a
            ``?`` are those that a GET can have in its query. Empty without a route.
        body: Shape of a REST body whose names differ from the parameters': a struct whose
            attributes are named as the parameters, renamed on the wire. None takes ``params``.
        is_outcome: Whether REST answers a failure with 200 and ``{ok: false, error}``.
        progress: Shape of a step of progress; None without progress.
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
    rest: str = ""
    body: type[msgspec.Struct] | None = None
    is_outcome: bool = False
    progress: type[msgspec.Struct] | None = None
    is_repeatable: bool = False
    is_activity: bool = True
    ends_unawaited: bool = False
    timeout_s: float | None = ANSWER_TIMEOUT_S

    @property
    def method(self) -> str:
        """HTTP method of the REST route."""
        return self.rest.partition(" ")[0]

    @property
    def path(self) -> str:
        """Path of the REST route, below the API's root."""
        return self.rest.partition(" ")[2].partition("?")[0]

    @property
    def query(self) -> list[str]:
        """Names that the query of the REST route can hold."""
        return [name for name in self.rest.partition("?")[2].split("&") if name]

    def read(self, fields: Mapping[str, Any]) -> P:
        """Return parameters that came from outside as their struct.

        Raises:
            BadRequestError: They do not fit.
        """
        return check_struct(self.params, fields, hint=self._hint(self.params))

    def read_rest(self, fields: Mapping[str, Any]) -> P:
        """Return the parameters of a REST call: body or query, and path.

        Raises:
            BadRequestError: They do not fit.
        """
        if self.body is not None:
            body = check_struct(self.body, fields, hint=self._hint(self.body))
            return self.params(**msgspec.structs.asdict(body))
        # Every value in a query is text.
        hint = self._hint(self.params)
        return check_struct(self.params, fields, hint=hint, is_text=bool(self.query))

    def _hint(self, shape: type[msgspec.Struct]) -> str:
        names = ", ".join(shape.__struct_encode_fields__)
        return f"{self.name} takes {names}" if names else f"{self.name} takes no parameters"


#: A row for an operation that only reads.
looks = functools.partial(Operation, is_repeatable=True, is_activity=False)
#: A row for an operation that belongs to one control connection.
of_connection = functools.partial(Operation, is_activity=False)


def check_struct(cls: type[S], fields: Mapping[str, Any], *, hint: str, is_text: bool = False) -> S:
    """Return the fields as a struct.

    Args:
        cls: The struct.
        fields: By their names on the wire.
        hint: Hint of the error if they do not fit.
        is_text: Whether numbers are given as text.

    Raises:
        BadRequestError: They do not fit. The message names the field, never its value.
    """
    try:
        return msgspec.convert(fields, cls, strict=not is_text)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadRequestError(words_of(error), hint=hint) from None


def words_of(error: Exception) -> str:
    """Return the text of a validation error as the beginning of a message."""
    text, has_place, place = misfit(error).rpartition(" - at `$")
    if not has_place:
        text, place = place, ""
    if " matching regex " in text:
        text = "it has characters that are not allowed"
    said, where = text[:1].lower() + text[1:], place.rstrip("`").lstrip(".")
    return f"{where}: {said}" if where else said
