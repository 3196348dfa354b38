"""Base of the REST handlers: bodies, errors and their HTTP status."""

from __future__ import annotations

from typing import Any

import msgspec
from jupyter_server.base.handlers import APIHandler
from tornado import web

from ... import errors
from ...errors import BadRequestError, PeerError, TooLargeError, to_page
from ...phrase import phrase
from ..context import SETTING, ServerContext

AUTH_RESOURCE = "jupyter_peer"
MAX_BODY = 512 * 1024

#: Status of each error; the nearest class in the hierarchy counts.
_STATUS: dict[type[BaseException], int] = {
    PeerError: 400,
    errors.WireError: 424,
    errors.RefusedError: 403,
    errors.BusyError: 429,
    errors.RoomExistsError: 409,
    errors.LinkError: 424,
    errors.LookupFailedError: 404,
    errors.AmbiguousPeerError: 409,
    errors.PaneError: 409,
    errors.NotGrantedError: 403,
    errors.PaneEndedError: 410,
    errors.KernelGoneError: 404,
    errors.AgentError: 409,
    errors.StoreError: 503,
    errors.UnauthorizedError: 403,
    errors.NotEnabledError: 403,
}
_REFERENCE = "docs/reference/operations.md lists all routes and their bodies"
_WORDS: dict[int, PeerError] = {
    400: BadRequestError("the request cannot be read", hint=_REFERENCE),
    403: errors.UnauthorizedError(
        "this request is not allowed",
        hint="log in, or send the server's token; with a cookie also send its X-XSRFToken",
    ),
    404: errors.LookupFailedError("there is nothing at this URL", hint=_REFERENCE),
    405: BadRequestError("this method is not allowed here", hint="see the Allow header"),
}


def status_of(error: PeerError) -> int:
    """Return the HTTP status of a PeerError."""
    return next(_STATUS[cls] for cls in type(error).__mro__ if cls in _STATUS)


def error_body(status_code: int, exc_info: Any = None, **kwargs: Any) -> bytes:
    """Return ``{code, message, hint}`` for a request that Tornado or Jupyter refused."""
    error: BaseException | None = _WORDS.get(status_code)
    if error is None and status_code < 500:
        error = BadRequestError(hint=_REFERENCE)
    if error is None:
        error = exc_info[1] if exc_info else PeerError()
    return msgspec.json.encode(to_page(error))


class PeerAPIHandler(APIHandler):
    """Base of the REST handlers."""

    auth_resource = AUTH_RESOURCE
    # The operations report activity; a request that only reads does not count as activity.
    _track_activity = False

    @property
    def context(self) -> ServerContext:
        """The context that all handlers of this server share."""
        context: ServerContext = self.settings[SETTING]
        return context

    def update_api_activity(self) -> None:
        """Record nothing. Jupyter's own method fails on a query that is not UTF-8."""

    def json_body(self) -> dict[str, Any]:
        """Return the JSON object in the body; an empty body is an empty object.

        Raises:
            BadRequestError: The body is not a JSON object.
            TooLargeError: The body is longer than :data:`MAX_BODY`.
        """
        body = self.request.body
        if len(body) > MAX_BODY:
            raise TooLargeError(
                "the body is larger than any request needs",
                hint=phrase("send up to {most} bytes", most=MAX_BODY),
            )
        if not body.strip():
            return {}
        try:
            value = msgspec.json.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            raise BadRequestError("the body is not JSON", hint=_REFERENCE) from None
        if not isinstance(value, dict):
            raise BadRequestError("the body is not a JSON object", hint=_REFERENCE)
        return value

    def refuse(self, error: PeerError, status: int | None = None) -> None:
        """Answer with ``{code, message, hint}``."""
        self.set_status(status or status_of(error))
        self.finish(msgspec.json.encode(to_page(error)))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer in the same form if Tornado or Jupyter refuses a request."""
        if status_code == 405:
            self.set_header("Allow", ", ".join(self._methods()))
        self.finish(error_body(status_code, **kwargs))

    def _methods(self) -> list[str]:
        return [
            name
            for name in self.SUPPORTED_METHODS
            if getattr(type(self), name.lower()) is not getattr(web.RequestHandler, name.lower())
        ]


class NothingHere(PeerAPIHandler):
    """Handles all other URLs under the API."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse, after Jupyter has checked the login."""
        await super().prepare()
        raise web.HTTPError(404)
