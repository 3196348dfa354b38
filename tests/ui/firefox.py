"""Debian's Firefox, driven by WebDriver BiDi.

Playwright drives a Firefox that it has built itself. This is the one that people have, so what is
needed of the protocol (https://w3c.github.io/webdriver-bidi/) is spoken here.
"""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import websocket

from tests.machine.needs import needs_program
from tests.machine.waiting import until_sync

Json = dict[str, Any]

START_S = 60
_PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class Firefox:
    """A headless Firefox with an empty profile.

    Attributes:
        errors: What pages logged as errors.
    """

    def __init__(self, profile: Path) -> None:
        program = needs_program("firefox-esr")
        lines = (
            f"user_pref({json.dumps(key)}, {json.dumps(value)});\n"
            for key, value in _PREFERENCES.items()
        )
        (profile / "user.js").write_text("".join(lines))
        self.errors: list[str] = []
        self._socket: websocket.WebSocket | None = None
        self._ids = itertools.count(1)
        self._log = (profile / "output").open("wb")
        self._process = subprocess.Popen(
            [
                *(program, "--headless", "--no-remote", "--profile", str(profile)),
                *("--remote-debugging-port", "0"),
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            told = profile / "WebDriverBiDiServer.json"
            until_sync(lambda: told.exists() and told.read_text(), START_S, "Firefox")
            port = json.loads(told.read_text())["ws_port"]
            self._socket = websocket.create_connection(
                f"ws://127.0.0.1:{port}/session", suppress_origin=True, timeout=START_S
            )
            self.call("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
            self.call("session.subscribe", events=["log.entryAdded"])
        except BaseException:
            self.close()
            raise

    def call(self, method: str, **params: Any) -> Json:
        """Run a command and return its result."""
        assert self._socket is not None
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            told = json.loads(self._socket.recv())
            if told.get("id") == number:
                assert told["type"] == "success", told
                result: Json = told["result"]
                return result
            entry = told.get("params", {})
            if told.get("method") == "log.entryAdded" and entry.get("level") == "error":
                self.errors.append(entry["text"])

    def open(self, url: str) -> Tab:
        """Open a URL in a window that shares nothing with others; a tab behind others draws nothing."""
        person = self.call("browser.createUserContext")["userContext"]
        tab = self.call("browsingContext.create", type="window", userContext=person)["context"]
        self.call("browsingContext.navigate", context=tab, url=url, wait="complete")
        return Tab(self, tab)

    def close(self) -> None:
        """End it."""
        if self._socket is not None:
            self._socket.close()
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


class Tab:
    """A tab; its frames are named by how deep they are, the page itself is 0."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox = firefox
        self._context = context

    def evaluate(self, expression: str, depth: int = 0) -> Any:
        """Return the value of an expression; None while there is no such frame."""
        context = self._frame(depth)
        if context is None:
            return None
        told = self._firefox.call(
            "script.evaluate",
            expression=expression,
            target={"context": context},
            awaitPromise=True,
        )
        assert told["type"] == "success", told
        return told["result"].get("value")

    def text(self, selector: str, depth: int = 0) -> str:
        """Return the text of an element; empty while there is none."""
        found = self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText", depth)
        return found or ""

    def close(self) -> None:
        """Close it."""
        self._firefox.call("browsingContext.close", context=self._context)

    def _frame(self, depth: int) -> str | None:
        (tree,) = self._firefox.call("browsingContext.getTree", root=self._context)["contexts"]
        for _ in range(depth):
            if not tree["children"]:
                return None
            tree = tree["children"][0]
        context: str = tree["context"]
        return context
