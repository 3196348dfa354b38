"""The connection check: by the running server, or of what is installed when none runs."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..errors import NoServerError
from ..findings import Finding, failed, skipped
from ..phrase import phrase
from ..server_client.command_table.surface import Surface
from ..server_client.command_table.table import COMMANDS
from ..server_client.results.drawing.shown import Shown
from ..server_client.results.findings import Findings
from .application import FAILED
from .disabled_servers import ask_why, jupyter_servers
from .server_command import TableCommand
from .servers import running_servers

_ROW = COMMANDS["doctor"]


class DoctorCommand(TableCommand):
    """Checks this node, or each path to a peer."""

    row = _ROW
    name = "jupyter-peer-doctor"
    words = _ROW.words
    description = (
        f"{_ROW.description} The running server does the checks. When no server runs, the "
        "installation and the data directory are checked. Exit code 0 means that nothing failed."
    )
    examples = "\n".join(_ROW.example_lines(is_terminal=True))

    def call(self, surface: Surface) -> None:
        """Write the findings of the server, or of the installation when no server runs."""
        try:
            super().call(surface)
        except NoServerError as error:
            is_chosen = self.extra_args or self.url or self.pid
            if is_chosen or running_servers(Path(self.runtime_dir)):
                raise
            self.write(self._without_server(error))

    def write(self, result: Shown) -> None:
        """Write the findings, and exit with 1 when something failed."""
        super().write(result)
        if not (isinstance(result, Findings) and result.is_well):
            raise SystemExit(FAILED)

    def _without_server(self, error: NoServerError) -> Findings:
        from jupyter_core.paths import jupyter_config_path, jupyter_data_dir, jupyter_path

        from ..doctor.checks.files import check_files
        from ..doctor.checks.installation import (
            check_browser_side,
            check_server_side,
            check_versions,
        )

        servers = [ask_why(server) for server in jupyter_servers(Path(self.runtime_dir))]
        findings: list[Finding] = [
            *(
                servers
                or [failed("server", phrase("No Jupyter server runs here."), error.hint_phrase)]
            ),
            skipped("node", phrase("No node runs, so only the installation was checked.")),
            *check_versions(),
            *check_server_side(jupyter_config_path()),
            *check_browser_side(jupyter_path("labextensions")),
            *check_files(Path(jupyter_data_dir()) / "peer"),
        ]
        answer = {"findings": msgspec.to_builtins(findings), "peer": None}
        return Findings(answer["findings"], answer)
