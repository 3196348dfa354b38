"""Two people, each with a Jupyter of their own that they have logged in to, and notebooks on it."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

from jupyter_server.auth.security import passwd

from jupyter_peer.demo.notebooks import Cell, NotebookKernel, Said
from tests.machine.jupyter_process import JupyterProcess

CELL_TIMEOUT_S = 30.0


class Person:
    """Somebody with a running Jupyter server.

    Args:
        home: Where its files are, kept over :meth:`restart`.
        name: Of the node, and the base URL.
        password: To log in with; without one there is a token.
        options: More of the server's command line.
    """

    def __init__(
        self, home: Path, name: str, password: str | None = None, options: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.token = "" if password else f"token-of-{name}"
        self._password = password
        self._home = home
        self._runtime = home / "runtime"
        self._options = [f"--IdentityProvider.token={self.token}", *options]
        if password:
            hashed = passwd(password, "sha1")
            self._options.append(f"--PasswordIdentityProvider.hashed_password={hashed}")
        self.server = JupyterProcess(home, name, self._runtime, *self._options)
        self._port = urllib.parse.urlsplit(self.url).port or 0
        self._log_in()

    @property
    def url(self) -> str:
        """Of the server, with the base URL and a slash."""
        return self.server.url

    def restart(self) -> None:
        """Start the server again, with the same files and at the same place."""
        self.server = JupyterProcess(
            self._home, self.name, self._runtime, *self._options, port=self._port
        )
        self._log_in()

    def _log_in(self) -> None:
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._cookies)
        )
        if self._password is None:
            return
        with self._opener.open(self.url + "login", timeout=10) as page:
            page.read()
        form = {"password": self._password, "_xsrf": self._cookie("_xsrf")}
        with self._opener.open(
            self.url + "login", urllib.parse.urlencode(form).encode(), timeout=10
        ) as page:
            page.read()

    def _cookie(self, name: str) -> str:
        return next((each.value or "" for each in self._cookies if each.name == name), "")

    def authorization(self) -> dict[str, str]:
        """Return the headers of a request by this person's browser."""
        if self._password is None:
            return {"Authorization": f"token {self.token}"}
        cookies = "; ".join(f"{each.name}={each.value}" for each in self._cookies)
        return {"Cookie": cookies, "X-XSRFToken": self._cookie("_xsrf")}

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Call a route of the server and return its JSON, also that of a refusal."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers=self.authorization(),
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            text = refusal.read()
        return json.loads(text) if text else None

    def peer_call(self, method: str, path: str, body: object = None) -> Any:
        """Call a route of jupyter-peer's REST."""
        return self.call(method, f"jupyter-peer/api/{path}", body)

    def command(self, *words: str, stdin: str = "") -> str:
        """Run ``jupyter peer ...`` on this person's machine and return what it prints."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER_")}
        environment |= {
            "JUPYTER_RUNTIME_DIR": str(self._runtime),
            "JUPYTER_CONFIG_DIR": str(self._home / "config"),
        }
        done = subprocess.run(
            [sys.executable, "-m", "jupyter", "peer", *words],
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self) -> None:
        """Stop the server."""
        self.server.stop()

    @contextlib.asynccontextmanager
    async def notebook(self) -> AsyncIterator[Notebook]:
        """Open a notebook with a kernel of its own, with the magics loaded."""
        kernel_id = self.call("POST", "api/kernels", {"name": "python3"})["id"]
        notebook = Notebook(self, kernel_id)
        await notebook.kernel.start()
        try:
            await notebook.run("%load_ext jupyter_peer")
            yield notebook
        finally:
            notebook.kernel.close()
            with contextlib.suppress(OSError):
                self.call("DELETE", f"api/kernels/{kernel_id}")


class Notebook:
    """A kernel that runs cells and remembers what they showed."""

    def __init__(self, person: Person, kernel_id: str) -> None:
        self.kernel_id = kernel_id
        self._person = person
        self._said: list[Said] = []
        self._count = 0
        # a person has all that the kernel's client needs of a server
        self.kernel = NotebookKernel(person, kernel_id, self._said.append)  # type: ignore[arg-type]

    def run(self, source: str, timeout: float = CELL_TIMEOUT_S) -> Coroutine[Any, Any, str]:
        """Run a cell and return what it showed, as text; it is the newest from now on."""
        self._count += 1
        tag = f"cell-{self._count}"
        return self._run(Cell(tag, tag, source), timeout)

    async def _run(self, cell: Cell, timeout: float) -> str:
        await self.kernel.run(cell, timeout)
        return self._shown(cell.tag)

    def _shown(self, tag: str) -> str:
        return "".join(_text(said) for said in self._said if said.tag == tag)

    @property
    def newest(self) -> str:
        """What the newest cell has shown so far, as text."""
        return self._shown(f"cell-{self._count}")

    async def pid(self) -> int:
        """Return the process id of its kernel."""
        return int(await self.run("import os; print(os.getpid())"))

    def restart(self) -> None:
        """Restart the kernel, as from the menu."""
        self._person.call("POST", f"api/kernels/{self.kernel_id}/restart", {})


def _text(said: Said) -> str:
    if said.type == "stream":
        return str(said.content["text"])
    return said.data.get("text/plain", "")


def invite_in(text: str) -> str:
    """Return the invite in a text."""
    found = re.search(r"jpeer1:[\w-]+", text)
    assert found is not None, text
    return found[0]
