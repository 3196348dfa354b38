"""The extension's life: how it starts, what stops it, and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.websocket import websocket_connect
from traitlets.config import Config

from jupyter_peer.app import ACTIVITY_SETTING, PeerExtension
from jupyter_peer.errors import BadRequestError
from jupyter_peer.server.control.runtime_file import runtime_file
from jupyter_peer.server.settings.settings import PeerSettings
from tests.machine.waiting import until
from tests.server.control.control_client import connect
from tests.server.servers import jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ")


def damage_store(home):
    (home / "data/peer").mkdir(parents=True, mode=0o700)
    (home / "data/peer").chmod(0o700)
    (home / "data/peer/peer.sqlite").write_bytes(b"not a database" * 1000)


def damage_key(home):
    (home / "data/peer").mkdir(parents=True, mode=0o700)
    (home / "data/peer/identity.key").write_bytes(b"no key")


def open_data_dir(home):
    (home / "data/peer").mkdir(parents=True)
    (home / "data/peer").chmod(0o777)


def nothing(home):
    pass


@pytest.mark.parametrize(
    ("prepare", "settings", "code"),
    [
        (damage_store, {}, None),
        (damage_key, {}, "key_file"),
        (open_data_dir, {}, "data_dir"),
        (nothing, {"trust_mode": "everybody"}, "bad_request"),
        (nothing, {"trust_mode": "directory"}, "bad_request"),
        (nothing, {"peer_listen": "9797"}, "bad_request"),
        (nothing, {"advertised_addresses": ["ftp://x"]}, "bad_address"),
        (nothing, {"invite_ttl_s": 10.0, "max_invite_ttl_s": 5.0}, "bad_request"),
        (nothing, {"trust_mode": 5}, "bad_request"),
        (nothing, {"max_peers": "many", "enable_direct": "perhaps"}, "bad_request"),
    ],
)
async def test_what_cannot_be_used_disables_the_extension_and_not_jupyter(
    tmp_path, caplog, prepare, settings, code
):
    prepare(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    async with jupyter_server(tmp_path, PeerExtension=settings) as server:
        lines = [line for line in caplog.messages if "jupyter-peer is disabled" in line]
        assert lines
        for path in ("identity", "peers", "metrics", "audit", "invites", "panes"):
            response = await server.fetch(f"jupyter-peer/api/{path}")
            assert response.code == 503
            error = json.loads(response.body)
            assert {"code", "message", "hint"} <= set(error)
            assert error["code"] == (code or error["code"])
            assert error["message"] in lines[0]
        assert (await server.fetch("jupyter-peer/api/none")).code == 404
        assert (await server.fetch("peer-ws")).code == 503
        with pytest.raises(HTTPClientError) as refused:
            await server.control()
        assert refused.value.code == 503
        assert (await server.fetch("api/status")).code == 200
        assert list((tmp_path / "runtime").glob("jupyter-peer-*")) == []
    for path, content in before.items():
        assert path.read_bytes() == content


async def test_a_listener_that_was_opened_is_closed_when_the_start_fails(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = {"peer_listen": f"127.0.0.1:{port}", "trust_mode": "everybody"}
    async with jupyter_server(tmp_path, PeerExtension=settings):
        socket.create_server(("127.0.0.1", port)).close()
        # And the data directory is free again.
        async with jupyter_server(tmp_path) as other:
            assert (await other.fetch("jupyter-peer/api/identity")).code == 200
            assert not (tmp_path / "data/peer-2").exists()


async def test_a_listener_that_cannot_be_opened_is_said_so(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = {"peer_listen": address}
        async with jupyter_server(tmp_path, PeerExtension=settings) as server:
            answer = json.loads((await server.fetch("jupyter-peer/api/peers")).body)
        assert answer["code"] == "bad_request"
        assert f"'{address}' cannot be used: Address already in use" in answer["message"]


async def test_requests_that_come_before_the_start_wait_for_one_start(tmp_path):
    async with jupyter_server(tmp_path, is_started=False) as server:
        assert server.extension.context.running is None
        answers = await asyncio.gather(
            *(server.call("GET", "identity") for _ in range(5)),
            server.extension._start_jupyter_server_extension(server.app),
        )
        assert len({answer["node_id"] for answer in answers if answer}) == 1


async def test_a_server_that_never_started_its_extensions_stops_as_well(tmp_path):
    async with jupyter_server(tmp_path, is_started=False):
        pass
    assert not (tmp_path / "data/peer").exists()


async def test_after_the_stop_nothing_is_left(tmp_path):
    async with jupyter_server(tmp_path) as server:
        path = runtime_file(tmp_path / "runtime", os.getpid())
        assert path.exists()
        await server.extension.stop_extension()
        await server.extension.stop_extension()
        assert not path.exists()
        response = await server.fetch("jupyter-peer/api/identity")
        assert (response.code, json.loads(response.body)["code"]) == (503, "not_enabled")
        assert (await server.fetch("api/status")).code == 200
    assert logging.getLogger("jupyter_peer").propagate
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not [name for name in names if "peer" in name]


async def test_the_runtime_file_opens_the_control_socket(tmp_path):
    async with jupyter_server(tmp_path, "/b/") as server:
        path = runtime_file(tmp_path / "runtime", os.getpid())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        told = json.loads(path.read_bytes())
        assert set(told) == {"url", "secret", "pid", "node_id", "node_name", "data_dir"}
        assert (told["url"], told["pid"]) == (server.url, os.getpid())
        assert told["node_id"] == server.hub.node_id
        assert told["data_dir"] == str(tmp_path / "data/peer")
        client = await connect(
            f"{told['url']}jupyter-peer/ws".replace("http", "ws", 1),
            {"Authorization": f"peer-secret {told['secret']}"},
        )
        assert (await client.ask("identity"))["node_id"] == told["node_id"]
        await client.close()


async def test_a_runtime_directory_that_cannot_be_written_is_only_a_warning(
    tmp_path, caplog, monkeypatch
):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("jupyter_peer.server.start.write_runtime_file", refuse)
    async with jupyter_server(tmp_path) as server:
        assert await server.call("GET", "identity")
    assert "will not find this server" in caplog.text


async def test_a_second_server_is_a_node_of_its_own_and_says_so(tmp_path, caplog):
    shared = {"data_dir": str(tmp_path / "shared")}
    first = jupyter_server(tmp_path / "a", PeerExtension=dict(shared))
    second = jupyter_server(tmp_path / "b", PeerExtension=dict(shared))
    async with first as ada, second as bob:
        assert ada.hub.node_id != bob.hub.node_id
        assert "shared-2" in caplog.text
        told = json.loads(runtime_file(tmp_path / "b/runtime", os.getpid()).read_bytes())
        assert told["data_dir"] == str(tmp_path / "shared-2")


async def test_plain_settings_warn_of_nothing(tmp_path, caplog):
    async with jupyter_server(tmp_path):
        pass
    assert not [
        record
        for record in caplog.records
        if record.levelno >= logging.WARNING and record.name.startswith("jupyter_peer")
    ]


async def test_a_unix_socket_is_said_to_reach_nobody(tmp_path, caplog):
    async with jupyter_server(tmp_path, is_started=False) as server:
        server.app.sock = str(tmp_path / "jupyter.sock")
        await server.extension.context.ready()
        assert server.hub.addresses() == []
        assert "listens on the UNIX socket" in caplog.text
        told = json.loads(runtime_file(tmp_path / "runtime", os.getpid()).read_bytes())
        assert told["url"].startswith("http+unix://")
        server.app.sock = ""


async def test_what_the_user_does_is_activity_and_looking_is_none(tmp_path):
    async with jupyter_server(tmp_path) as server:
        settings = server.app.web_app.settings
        before = server.app.web_app.last_activity()
        client = await server.control()
        for op in ("identity", "peers", "panes", "invites", "metrics", "audit"):
            await client.ask(op)
            await server.fetch(f"jupyter-peer/api/{op}")
        client.tell("ack", watch=1, rev=1)
        await client.ask("identity")
        assert ACTIVITY_SETTING not in settings
        assert "api_last_activity" not in settings
        assert server.app.web_app.last_activity() == before
        await client.ask("invite")
        assert server.app.web_app.last_activity() == settings[ACTIVITY_SETTING] > before
        assert server.extension.current_activity() is None
        await client.close()


async def test_a_stranger_who_sends_a_large_frame_is_cut_off(tmp_path):
    settings = {"max_frame_before_auth": 1024}
    async with jupyter_server(tmp_path, PeerExtension=settings) as server:
        for size, closes in ((1000, False), (1100, True)):
            socket = await websocket_connect(f"{server.url}peer-ws".replace("http", "ws", 1))
            await socket.write_message(b"x" * size, binary=True)
            while await socket.read_message() is not None:
                """Why it was refused, if that was read at all."""
            assert (socket.close_code == 1009) is closes
            socket.close()


def test_every_setting_has_a_help_text_and_can_be_configured():
    for name, trait in PeerSettings.class_own_traits().items():
        assert trait.help, name
        assert trait.metadata["config"], name
    names = set(PeerExtension.class_traits(config=True))
    assert names >= {
        "node_name", "data_dir", "trust_mode", "enable_direct", "peer_listen", "advertised_addresses",
        "relay_url", "lobby_url", "enable_lan", "enable_webrtc", "stun_servers", "turn_url",
        "turn_username", "turn_credential", "allow_remote_agent", "remote_agent_mode",
        "max_peer_hops", "allow_unsealed_peers", "directory_url", "directory_key",
        "max_frame_before_auth", "max_message", "handshake_timeout_s", "max_handshakes", "max_peers",
        "max_send_queue", "max_unconsumed", "max_panes", "max_viewers", "max_prompt",
        "agent_turns_at_once", "agent_turns_a_minute", "invite_ttl_s", "max_invite_ttl_s",
    }  # fmt: skip


#: Values that no setting of a kind can have.
UNFIT = {
    "Unicode": [5, None, ["x"], {}],
    "Bool": ["perhaps", 7, []],
    "Int": [0, -1, "many", None, 1.5],
    "Float": [0.0, -1.0, "soon", float("nan"), float("inf"), [1.0]],
    "Texts": [5, [5], {"a": 1}],
}


def test_a_value_of_the_wrong_kind_is_named_for_every_setting_and_breaks_nothing():
    traits = PeerSettings.class_traits(config=True)
    assert len(traits) > 30
    for name, trait in traits.items():
        for value in UNFIT[type(trait).__name__]:
            extension = PeerExtension(config=Config({"PeerExtension": {name: value}}))
            with pytest.raises(BadRequestError, match=f"PeerExtension.{name}: ") as told:
                extension.check_settings()
            assert told.value.hint
            assert getattr(extension, name) == getattr(PeerExtension(), name)


def test_the_last_value_of_a_setting_counts_and_a_credential_is_not_repeated():
    extension = PeerExtension(config=Config({"PeerExtension": {"max_peers": "many"}}))
    extension.update_config(Config({"PeerExtension": {"max_peers": 7}}))
    extension.check_settings()
    assert extension.max_peers == 7
    extension.update_config(Config({"PeerExtension": {"turn_credential": 76543}}))
    with pytest.raises(BadRequestError, match="turn_credential") as told:
        extension.check_settings()
    assert "76543" not in str(told.value)


def test_an_unknown_mode_of_agents_is_read_only():
    assert PeerExtension(remote_agent_mode="anything").remote_agent_mode == "read-only"
    assert PeerExtension(remote_agent_mode="ask").remote_agent_mode == "ask"


def test_the_defaults_are_those_of_the_documentation():
    extension = PeerExtension()
    assert extension.trust_mode == "manual"
    assert extension.enable_direct is True
    assert extension.allow_unsealed_peers is extension.allow_remote_agent is False
    assert extension.max_message == 64 * 1024 * 1024
    assert extension.max_frame_before_auth == 16 * 1024
    assert (extension.max_peers, extension.max_panes, extension.max_viewers) == (256, 64, 64)
    assert extension.invite_ttl_s == 24 * 3600
    assert extension.max_invite_ttl_s == 30 * 24 * 3600
    assert extension.hub_config().node_name


# As a program of its own.


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM on Windows")
async def test_a_server_that_is_terminated_says_goodbye_and_cleans_up(tmp_path):
    home = tmp_path / "program"
    (home / "runtime").mkdir(parents=True)
    environment = {
        **os.environ,
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_PREFER_ENV_PATH": "0",
    }
    log = home / "log"
    with log.open("wb") as output:
        program = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            [
                sys.executable,
                "-m",
                "jupyter_server",
                "--no-browser",
                "--allow-root",
                "--ServerApp.ip=127.0.0.1",
                "--ServerApp.port=0",
                f"--ServerApp.root_dir={home}",
                "--ServerApp.jpserver_extensions={'jupyter_peer': True}",
                "--ServerApp.base_url=/b/",
            ],
            env=environment,
            stdout=output,
            stderr=output,
            cwd=Path(__file__).parents[2],
        )
    try:
        path = runtime_file(home / "runtime", program.pid)
        await until(path.exists, timeout=60, what=f"{path} of the server")
        told = json.loads(path.read_bytes())
        refused = await AsyncHTTPClient().fetch(f"{told['url']}api/kernels", raise_error=False)
        assert refused.code == 403
        async with jupyter_server(tmp_path / "ada") as ada:
            invite = (await ada.call("POST", "invite"))["invite"]
            client = await connect(
                f"{told['url']}jupyter-peer/ws".replace("http", "ws", 1),
                {"Authorization": f"peer-secret {told['secret']}"},
            )
            await client.ask("pair", invite=invite)
            assert ada.hub.peer(told["node_id"]).status == "connected"
            program.send_signal(signal.SIGTERM)
            await until(lambda: ada.hub.peer(told["node_id"]).status != "connected", timeout=20)
            await client.close()
        await until(lambda: program.poll() is not None, timeout=20, what="the end of the program")
        assert not path.exists()
        text = log.read_text()
        assert "Traceback" not in text, text
        assert f"jupyter-peer is node {told['node_id']}" in text
    finally:
        if program.poll() is None:
            program.kill()
        program.wait()
