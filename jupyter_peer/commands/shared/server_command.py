"""Commands that ask the running Jupyter server for something."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from traitlets import Bool, Int, Unicode

from ...errors import PeerError, UnauthorizedError, to_wire
from ...server_client.client import Client
from .command import Command
from .servers import choose_server, running_servers
from .terminal import remark, tell, tell_json

_ALIASES = {
    "url": ("ServerCommand.url", "Choose the server with this URL, as copied from a browser."),
    "pid": ("ServerCommand.pid", "Choose the server with this process id."),
    "config": "JupyterApp.config_file",
    "log-level": "Application.log_level",
}


class ServerCommand(Command):
    """Asks the server; the answer is a table or a sentence, or JSON as REST gives it."""

    as_json = Bool(False, help="Whether the result is printed as JSON.").tag(config=True)
    url = Unicode("", help="URL of the server to talk to, if several run.").tag(config=True)
    pid = Int(0, help="Process id of the server to talk to, if several run.").tag(config=True)

    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "json": ({"ServerCommand": {"as_json": True}}, "Print the result as JSON."),
        **Command.flags,
    }
    aliases: ClassVar[dict[str, Any]] = _ALIASES  # type: ignore[misc]

    def ask(self, client: Client) -> dict[str, Any]:
        """Ask for what the command is for and return the answer as REST gives it."""
        raise NotImplementedError

    def show(self, answer: dict[str, Any]) -> str:
        """Return the answer as text for people; empty for none."""
        raise NotImplementedError

    def note(self, answer: dict[str, Any]) -> str:
        """Return what is said about the answer beside it; empty for nothing."""
        return ""

    def run(self) -> None:
        """Ask, and write the answer."""
        try:
            answer = self._ask_server()
        except PeerError as error:
            if self.as_json:
                tell_json({"error": to_wire(error)})
            raise
        if self.as_json:
            tell_json(answer)
            return
        if text := self.show(answer):
            tell(text)
        if text := self.note(answer):
            remark(text)

    def _ask_server(self) -> dict[str, Any]:
        door = choose_server(running_servers(Path(self.runtime_dir)), self.url, self.pid)
        with Client(door.url, door.secret, certificate=door.certificate) as client:
            try:
                return self.ask(client)
            except UnauthorizedError as error:
                raise UnauthorizedError(
                    f"the Jupyter server at {door.url} does not accept the secret it wrote down",
                    hint="restart that server",
                ) from error
