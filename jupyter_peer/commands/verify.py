"""``jupyter peer verify``: checks a saved proof, without a server and without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from traitlets import Bool

from ..errors import BadRequestError
from ..server_client.results.provenance import verified
from ..wire.proofs.proof import MAX_FILE
from .application import TerminalCommand
from .terminal import errors_as_json, write


class ProofCommand(TerminalCommand):
    """Checks one file."""

    name = "jupyter-peer-verify"
    words = "FILE"
    description = (
        "Check a proof that answer.verify().save(FILE) or view.provenance().save(FILE) has written: "
        "who signed which answer or which state of a pane, and when. It needs neither a server nor a "
        "network. Exit code 0 means that every signature matches and nothing is missing. A name is "
        "not signed: compare the node id with the one that `jupyter peer list` shows."
    )
    examples = """
        jupyter peer verify answer.proof
        jupyter peer verify answer.proof --json
    """

    as_json = Bool(False, help="Whether the result is printed as JSON.").tag(config=True)

    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "json": ({"ProofCommand": {"as_json": True}}, "Print the result as JSON."),
        **TerminalCommand.flags,
    }

    def run(self) -> None:
        """Check the file and write what it shows."""
        with errors_as_json(self.as_json):
            write(verified(_read(Path(self.extra_args[0]).expanduser())), as_json=self.as_json)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE + 1)
    except OSError as error:
        raise BadRequestError(
            f"{path} cannot be read: {error.strerror}", hint="check the name of the file"
        ) from error
