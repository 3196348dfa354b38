"""Kernels of a server: what they are given, and panes of real ones."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_peer.server.control.secrets import Secrets
from jupyter_peer.server.node.kernels import ServerKernels
from tests.machine.waiting import until
from tests.server.control.control_client import connect
from tests.server.servers import jupyter_server


class FakeManager:
    """The part of Jupyter's kernel manager that is wrapped."""

    def __init__(self) -> None:
        self.kernels = {}
        self.error = None

    def __contains__(self, kernel_id):
        return kernel_id in self.kernels

    def new_kernel_id(self, **kwargs):
        return f"k{len(self.kernels) + 1}"

    async def start_kernel(self, *, kernel_id=None, path=None, **kwargs):
        if self.error is not None:
            raise self.error
        self.kernels[kernel_id] = kwargs
        return kernel_id

    def remove_kernel(self, kernel_id):
        return self.kernels.pop(kernel_id)

    def get_kernel(self, kernel_id):
        return self.kernels[kernel_id]


@pytest.fixture
def world(tmp_path):
    manager = FakeManager()
    secrets = Secrets(lambda kernel_id: kernel_id in manager)
    runtime = tmp_path / "runtime"
    kernels = ServerKernels(manager, secrets, lambda: "http://127.0.0.1:1/b/", lambda: runtime)
    return SimpleNamespace(manager=manager, secrets=secrets, kernels=kernels, runtime=runtime)


def secret_of(world, kernel_id):
    """Return the secret that a kernel finds by its environment."""
    return read(world.manager.kernels[kernel_id]["env"]["JUPYTER_PEER_SECRET_FILE"])


def read(secret_file):
    """Return the secret in a file."""
    return Path(secret_file).read_text()


async def test_a_kernel_is_told_where_the_server_is_and_who_it_is(world):
    kernel_id = await world.manager.start_kernel(path="a", kernel_name="python3")
    environment = world.manager.kernels[kernel_id]["env"]
    assert environment["JUPYTER_PEER_URL"] == "http://127.0.0.1:1/b/"
    assert environment["JUPYTER_PEER_KERNEL_ID"] == kernel_id
    caller = world.secrets.caller(secret_of(world, kernel_id))
    assert (caller.kind, caller.kernel_id) == ("kernel", kernel_id)
    assert environment["PATH"] == os.environ["PATH"]
    assert "JUPYTER_PEER_CERTIFICATE" not in environment
    assert "JUPYTER_PEER_SECRET_FILE" not in os.environ


async def test_the_environment_of_a_kernel_holds_no_secret(world):
    kernel_id = await world.manager.start_kernel()
    environment = world.manager.kernels[kernel_id]["env"]
    secrets = world.secrets.live()
    assert len(secrets) == 1
    assert not [name for name, value in environment.items() if secrets[0] in value]
    (file,) = world.runtime.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(world.runtime.stat().st_mode) == 0o700
    assert secrets[0] not in file.name


async def test_the_file_with_the_secret_is_gone_with_its_kernel_or_server(world):
    first, _ = [await world.manager.start_kernel() for _ in range(2)]
    world.manager.remove_kernel(first)
    assert len(list(world.runtime.iterdir())) == 1
    world.kernels.close()
    assert list(world.runtime.iterdir()) == []
    assert world.secrets.live() == []


async def test_a_kernel_starts_even_if_its_secret_cannot_be_written(world, caplog):
    world.runtime.write_text("a file in the place of the directory")
    kernel_id = await world.manager.start_kernel(env={"JUPYTER_PEER_SECRET_FILE": "of another"})
    assert "JUPYTER_PEER_SECRET_FILE" not in world.manager.kernels[kernel_id]["env"]
    assert "cannot use jupyter-peer" in caplog.text
    assert world.secrets.live() == []


async def test_an_environment_that_is_given_stays_the_only_one(world):
    given = {"A": "b"}
    kernel_id = await world.manager.start_kernel(env=given)
    environment = world.manager.kernels[kernel_id]["env"]
    assert environment["A"] == "b"
    assert "PATH" not in environment
    assert given == {"A": "b"}


async def test_two_kernels_have_two_secrets(world):
    first, second = [await world.manager.start_kernel() for _ in range(2)]
    assert secret_of(world, first) != secret_of(world, second)


async def test_a_kernel_that_is_there_already_keeps_its_secret(world):
    kernel_id = await world.manager.start_kernel(kernel_id="mine")
    secret = secret_of(world, kernel_id)
    await world.manager.start_kernel(kernel_id="mine")
    assert world.secrets.caller(secret).kernel_id == "mine"


async def test_a_kernel_that_fails_to_start_leaves_no_secret(world):
    world.manager.error = RuntimeError("no such kernel spec")
    with pytest.raises(RuntimeError):
        await world.manager.start_kernel()
    assert world.secrets.live() == []
    assert list(world.runtime.iterdir()) == []


async def test_the_end_of_a_kernel_is_told_and_voids_its_secret(world):
    ended = []
    stop = world.kernels.on_ended(ended.append)
    first, second = [await world.manager.start_kernel() for _ in range(2)]
    secret = secret_of(world, first)
    world.manager.remove_kernel(first)
    assert ended == [first]
    assert world.secrets.caller(secret) is None
    stop()
    world.manager.remove_kernel(second)
    assert ended == [first]


async def test_the_manager_is_left_as_it_was(world):
    world.kernels.close()
    world.kernels.close()
    assert vars(world.manager).keys() == {"kernels", "error"}
    kernel_id = await world.manager.start_kernel(kernel_id="k")
    assert "env" not in world.manager.kernels[kernel_id]


async def test_what_another_extension_has_wrapped_stays_wrapped(world):
    ours = world.manager.start_kernel

    async def theirs(**kwargs):
        return await ours(**kwargs)

    world.manager.start_kernel = theirs
    world.kernels.close()
    assert world.manager.start_kernel is theirs


# With real kernels.


class Kernel:
    """A real kernel of a server, driven over its sockets."""

    def __init__(self, server, kernel_id) -> None:
        self.id = kernel_id
        self.server = server
        self.client = server.app.kernel_manager.get_kernel(kernel_id).client()

    async def run(self, code):
        """Run code and return what it printed."""
        # The client's own way of doing this stops the loop, and the server in it, in jupyter_client 8.6.0.
        sent = self.client.execute(code, allow_stdin=False)
        printed = []
        while True:
            message = await self.client._async_get_iopub_msg(timeout=30)
            if message["parent_header"].get("msg_id") == sent:
                printed.append(message["content"].get("text", ""))
                if message["content"].get("execution_state") == "idle":
                    return "".join(printed)

    async def environment(self):
        """Return the URL, the file with the secret and the kernel id, as the kernel has them."""
        names = ["URL", "SECRET_FILE", "KERNEL_ID"]
        code = f"import os, json; print(json.dumps([os.environ['JUPYTER_PEER_' + n] for n in {names}]))"
        return json.loads(await self.run(code))

    async def of_child(self):
        """Return the environment of a process that the kernel starts."""
        child = "import os, json; print(json.dumps(dict(os.environ)))"
        code = (
            "import subprocess, sys; "
            f"print(subprocess.check_output([sys.executable, '-c', {child!r}], text=True))"
        )
        return json.loads(await self.run(code))


@contextlib.asynccontextmanager
async def kernel_of(server):
    """Start a real kernel over Jupyter's own REST interface."""
    body = json.dumps({"name": "python3"})
    response = await server.fetch("api/kernels", method="POST", body=body)
    assert response.code == 201, response.body
    kernel = Kernel(server, json.loads(response.body)["id"])
    kernel.client.start_channels(hb=False)
    await kernel.client._async_wait_for_ready(timeout=60)
    try:
        yield kernel
    finally:
        kernel.client.stop_channels()


@pytest.mark.usefixtures("jp_environ")
async def test_a_real_kernel_uses_its_secret_and_keeps_it_over_a_restart(tmp_path):
    async with jupyter_server(tmp_path, "/b/") as server, kernel_of(server) as kernel:
        url, secret_file, kernel_id = await kernel.environment()
        secret = read(secret_file)
        assert (url, kernel_id) == (server.url, kernel.id)
        socket_url = f"{url}jupyter-peer/ws".replace("http", "ws", 1)
        headers = {"Authorization": f"peer-secret {secret}"}
        client = await connect(socket_url, headers)
        assert (await client.ask("identity"))["node_id"] == server.hub.node_id
        await client.close()
        await (await server.app.kernel_manager.restart_kernel(kernel.id))
        await kernel.client._async_wait_for_ready(timeout=60)
        assert await kernel.environment() == [url, secret_file, kernel_id]
        assert read(secret_file) == secret
        client = await connect(socket_url, headers)
        await server.app.kernel_manager.shutdown_kernel(kernel.id, now=True)
        await until(lambda: client.is_closed)
        await client.close()
        with pytest.raises(Exception, match="403"):
            await connect(socket_url, headers)


@pytest.mark.usefixtures("jp_environ")
async def test_nothing_in_the_environment_of_a_kernel_or_its_children_opens_the_node(tmp_path):
    async with jupyter_server(tmp_path, "/b/") as server, kernel_of(server) as kernel:
        printed = json.loads(
            await kernel.run("import os, json; print(json.dumps(dict(os.environ)))")
        )
        inherited = await kernel.of_child()
        socket_url = f"{server.url}jupyter-peer/ws".replace("http", "ws", 1)
        values = {*printed.values(), *inherited.values()}
        live = server.extension.context.secrets.live()
        assert len(live) == 2  # the kernel's and that of the command line
        assert not [value for value in values if any(secret in value for secret in live)]
        # Each word is tried, not only what is known to be a secret.
        words = {word for value in values for word in re.findall(r"[\w-]{20,}", value)}
        for word in words:
            with pytest.raises(Exception, match="403"):
                await connect(socket_url, {"Authorization": f"peer-secret {word}"})
        code = "import jupyter_peer; print(jupyter_peer.client().whoami().node_id)"
        assert (await kernel.run(code)).strip() == server.hub.node_id


@pytest.mark.usefixtures("jp_environ")
async def test_the_command_line_finds_the_server_of_the_notebook_it_is_run_in(tmp_path):
    async with jupyter_server(tmp_path) as server, kernel_of(server) as kernel:
        runtime = server.app.runtime_dir
        told = await kernel.run(
            f"import os; os.environ['JUPYTER_RUNTIME_DIR'] = {runtime!r}\n"
            "import sys\n!{sys.executable} -m jupyter peer id --json"
        )
        assert json.loads(told)["node_id"] == server.hub.node_id


@pytest.mark.usefixtures("jp_environ")
async def test_a_pane_of_a_real_kernel_is_live_at_the_peer(tmp_path):
    ada = jupyter_server(tmp_path / "ada", "/ada/", PeerExtension={"node_name": "ada"})
    bob = jupyter_server(tmp_path / "bob", PeerExtension={"node_name": "bob"})
    async with ada as ada_server, bob as bob_server, kernel_of(ada_server) as kernel:
        invite = (await ada_server.call("POST", "invite"))["invite"]
        assert (await bob_server.call("POST", "pair", {"invite": invite}))["ok"]
        sharing, watching = await ada_server.control(), await bob_server.control()
        shared = await sharing.ask(
            "share", name="loss", title="Loss", with_=["bob"], kernel_id=kernel.id, display="plot"
        )
        assert (shared["pane"]["name"], shared["pane"]["viewers"]) == ("loss", [])
        assert shared["pane"]["grants"] == {bob_server.hub.node_id: "view"}
        await until(lambda: watching.named("panes") and watching.named("panes")[-1]["offered"])
        (offered,) = (await bob_server.call("GET", "panes"))["offered"]
        assert (offered["name"], offered["title"], offered["grant"]) == ("loss", "Loss", "view")
        assert offered["peer"]["node_name"] == "ada"
        assert (await bob_server.call("GET", "peers"))["peers"][0]["panes"] == ["loss"]

        opened = await watching.ask("open", peer="ada", name="loss")
        assert opened["info"]["status"] == "live"
        await kernel.run(
            "from IPython.display import display; h = display('one', display_id='plot')"
        )
        await until(lambda: watching.named("pane"))
        await kernel.run("h.update('two')")
        await until(lambda: "two" in json.dumps(watching.named("pane")))
        (mine,) = (await ada_server.call("GET", "panes"))["mine"]
        assert [viewer["node_name"] for viewer in mine["viewers"]] == ["bob"]

        await ada_server.call("PATCH", "panes/loss", {"peer": "bob", "grant": "none"})
        await until(
            lambda: any(
                event.get("info", {}).get("status") == "withdrawn"
                for event in watching.named("pane")
            )
        )
        assert (await bob_server.call("GET", "panes"))["offered"] == []
        await ada_server.call("PATCH", "panes/loss", {"grants": {"bob": "view"}})
        await until(lambda: watching.named("panes")[-1]["offered"])
        assert await ada_server.call("DELETE", "panes/loss") == {}
        assert (await ada_server.call("GET", "panes"))["mine"] == []
        await asyncio.gather(sharing.close(), watching.close())


@pytest.mark.usefixtures("jp_environ")
async def test_what_opens_a_node_is_not_shown_in_its_panes(tmp_path):
    token = "the-long-token-of-the-server-of-ada"
    async with (
        jupyter_server(
            tmp_path / "ada",
            PeerExtension={"node_name": "ada"},
            IdentityProvider={"token": token},
        ) as ada,
        jupyter_server(tmp_path / "bob", PeerExtension={"node_name": "bob"}) as bob,
        kernel_of(ada) as kernel,
    ):
        invite = (await ada.call("POST", "invite"))["invite"]
        assert (await bob.call("POST", "pair", {"invite": invite}))["ok"]
        second = (await ada.call("POST", "invite"))["invite"]
        sharing, watching = await ada.control(), await bob.control()
        await sharing.ask("share", name="loss", with_=["bob"], kernel_id=kernel.id, display="d")
        await watching.ask("open", peer="ada", name="loss")
        opened = "open(os.environ['JUPYTER_PEER_SECRET_FILE']).read()"
        await kernel.run(
            "import os; from IPython.display import display\n"
            f"display([{opened}, {second!r}, {token!r}, 'the end'], display_id='d')"
        )
        await until(lambda: "the end" in json.dumps(watching.named("pane")))
        shown = json.dumps(watching.named("pane"))
        for secret in (*ada.extension.context.secrets.live(), second, token):
            assert secret[:30] not in shown
        assert shown.count("is not shown") == 3
        await asyncio.gather(sharing.close(), watching.close())


@pytest.mark.usefixtures("jp_environ")
async def test_a_pane_needs_a_known_cell_follows_its_notebook_and_ends_with_its_kernel(tmp_path):
    async with jupyter_server(tmp_path) as server, kernel_of(server) as kernel:
        unknown = {"name": "cell", "kernel_id": kernel.id, "cell_id": "c1"}
        with pytest.raises(AssertionError, match="no output of this cell is known"):
            await server.call("POST", "panes", unknown)
        assert (await server.call("GET", "panes"))["mine"] == []
        # A page that gives the outputs of its cell knows that it is there, though it has none yet.
        (tmp_path / "root" / "a.ipynb").write_text("{}")
        await server.call("POST", "panes", {**unknown, "outputs": [], "path": "a.ipynb"})
        renaming = {"method": "PATCH", "body": json.dumps({"path": "b.ipynb"})}
        assert (await server.fetch("api/contents/a.ipynb", **renaming)).code == 200
        paths = [pane["path"] for pane in (await server.call("GET", "panes"))["mine"]]
        assert paths == ["b.ipynb"]
        await server.call("DELETE", "panes/cell")
        body = {"name": "loss", "kernel_id": kernel.id, "display": "d"}
        assert (await server.call("POST", "panes", body))["pane"]["status"] == "live"
        await server.app.kernel_manager.shutdown_kernel(kernel.id, now=True)
        (mine,) = (await server.call("GET", "panes"))["mine"]
        assert mine["status"] == "ended"
