"""Errors in words that an AI client and its user can act on."""

from __future__ import annotations

from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, CallToolResult, TextContent
from pydantic import ValidationError

from ...errors import BadRequestError, LookupFailedError, PeerError, to_wire
from ...server_client.results.drawing.blocks import for_terminals

#: Hints that name a tool instead of a command of a notebook.
_HINTS = {
    "unknown_peer": "call list_peers for the names and ids",
    "ambiguous_peer": "use the node_id that list_peers shows",
    "unknown_pane": "call list_panes for the panes that can be read",
    "no_server": "start JupyterLab on this computer, then call the tool again; this MCP server can stay",
    "ambiguous_server": "add --node NAME to the arguments of this MCP server",
    "unauthorized": "restart JupyterLab on this computer, then call the tool again",
}


def fields_of(error: PeerError) -> dict[str, str]:
    """Return ``code, message, hint`` of an error."""
    fields = to_wire(error)
    code = str(error.data.get("code", fields["code"]))
    hint = for_terminals(fields["hint"])
    if code in _HINTS:
        # The servers to choose from are in the error's own hint.
        listed = hint if code == "ambiguous_server" else ""
        hint = "; ".join(filter(None, (_HINTS[code], listed)))
    return {"code": code, "message": fields["message"], "hint": hint}


def tool_failure(error: PeerError) -> CallToolResult:
    """Return the result of a tool call that failed."""
    fields = fields_of(error)
    text = f"{fields['code']}: {fields['message']} ({fields['hint']})".removesuffix(" ()")
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=fields,
        is_error=True,
    )


def resource_failure(error: PeerError, uri: str) -> MCPError:
    """Return the error of a resource that cannot be read."""
    is_callers = isinstance(error, BadRequestError | LookupFailedError)
    fields = fields_of(error)
    return MCPError(
        code=INVALID_PARAMS if is_callers else INTERNAL_ERROR,
        message=f"{fields['code']}: {fields['message']}",
        data={**fields, "uri": uri},
    )


def misfit(error: ValidationError, tool: str, known: list[str]) -> BadRequestError:
    """Return the error of arguments that do not fit a tool. It names them, never their values."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(map(str, first["loc"])) or "arguments"
    if first["type"] == "extra_forbidden":
        return BadRequestError(
            f"{tool} has no argument {name!r}",
            hint=f"its arguments are {', '.join(known) or 'none'}",
        )
    return BadRequestError(f"{tool}: {name}: {first['msg']}", hint=f"correct the argument {name}")
