"""The doctor: of the running server, or of what is installed when none runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ..errors import NoServerError
from ..findings import Finding, failed, skipped
from ..server_client.client import Client
from ..server_client.results.findings import Findings
from .peers import tell_step
from .shared.command import FAILED
from .shared.disabled_servers import ask_why, jupyter_servers
from .shared.server_command import ServerCommand
from .shared.servers import running_servers
from .shared.terminal import for_terminals


class DoctorCommand(ServerCommand):
    """Examines the node."""

    name = "jupyter-peer-doctor"
    words = "[PEER]"
    description = (
        "Say what works, what does not, why, and what to do; with PEER, try each path to that peer "
        "without touching the live link. The running server does the checks. When none runs, what "
        "is installed and the data directory are looked at. Exit code 0 means that nothing failed."
    )
    examples = """
        jupyter peer doctor
        jupyter peer doctor ada --json
    """

    def ask(self, client: Client) -> dict[str, Any]:
        if not self.extra_args:
            return client.doctor().answer
        return client.doctor(self.extra_args[0], on_progress=tell_step).answer

    def show(self, answer: dict[str, Any]) -> str:
        findings = [
            {**finding, "hint": for_terminals(finding["hint"])} for finding in answer["findings"]
        ]
        return Findings(findings, answer).to_text()

    def run(self) -> None:
        """Examine, and end with a failure when something failed."""
        self._found: dict[str, Any] = {}
        super().run()
        if not Findings(self._found["findings"]).is_well:
            raise SystemExit(FAILED)

    def _ask_server(self) -> dict[str, Any]:
        try:
            self._found = super()._ask_server()
        except NoServerError as error:
            is_chosen = self.extra_args or self.url or self.pid
            if is_chosen or running_servers(Path(self.runtime_dir)):
                raise
            self._found = self._without_server(error)
        return self._found

    def _without_server(self, error: NoServerError) -> dict[str, Any]:
        from jupyter_core.paths import jupyter_config_path, jupyter_data_dir, jupyter_path

        from ..doctor.files import check_files
        from ..doctor.installation import check_browser_side, check_server_side, check_versions

        servers = [ask_why(server) for server in jupyter_servers(Path(self.runtime_dir))]
        findings: list[Finding] = [
            *(servers or [failed("server", "No Jupyter server runs here.", error.hint)]),
            skipped(
                "node", "There is no node to be asked, so only what is installed was looked at."
            ),
            *check_versions(),
            *check_server_side(jupyter_config_path()),
            *check_browser_side(jupyter_path("labextensions")),
            *check_files(Path(jupyter_data_dir()) / "peer"),
        ]
        return {"findings": msgspec.to_builtins(findings), "peer": None}
