"""Which code of widgets a viewer gets from the owner, and that it gets no other."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jupyter_peer.errors import (
    BusyError,
    MalformedError,
    NotGrantedError,
    PeerError,
    TooLargeError,
    UnknownModuleError,
)
from jupyter_peer.panes.owner import installed, modules as owner_modules
from jupyter_peer.panes.owner.federated import FEDERATION
from jupyter_peer.panes.owner.installed import Found, InstalledModules, find_module
from jupyter_peer.panes.viewer.watch import Watch
from tests.panes.kernel.test_widgets import make, view
from tests.peers.guests import open_link
from tests.peers.nodes import Node, two_nodes

CODE = 'define(["@jupyter-widgets/base"], base => ({ base }))'


def install(folder: Path, name: str, code: str = CODE) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "index.js").write_text(code)


@contextlib.asynccontextmanager
async def watched(folder: Path, *modules: str) -> AsyncIterator[tuple[Node, Node, Watch]]:
    """Yield two nodes, and a watch of a pane with a widget of each module."""
    async with two_nodes(module_folders=lambda: [folder / "none", folder]) as (ada, bob):
        await ada.share(to=bob)
        for module in modules:
            make(ada.kernel, module, _model_module=module, _view_module="views")
            view(ada.kernel, module)
        yield ada, bob, await bob.watcher.open(ada.id, "loss")


async def test_a_viewer_gets_the_code_that_the_owner_has_installed(tmp_path: Path) -> None:
    install(tmp_path, "plots")
    install(tmp_path, "views", "define(() => 1)")
    install(tmp_path, "jupyter_bokeh", "define(() => 'ä')")
    async with watched(tmp_path, "plots", "@bokeh/jupyter_bokeh") as (_, _, watch):
        assert await watch.module("plots") == CODE.encode()
        assert await watch.module("views") == b"define(() => 1)"
        assert await watch.module("@bokeh/jupyter_bokeh") == "define(() => 'ä')".encode()


async def test_pictures_that_lie_beside_the_code_come_with_it(tmp_path: Path) -> None:
    there, away, other = (f"{mark * 20}.png" for mark in "abc")
    code = (
        f't.exports=i.p+"{there}";e.exports=n.p+"{away}";x=n.p+"{other}";e.exports=n.p+"../a.png"'
    )
    install(tmp_path, "plots", code)
    (tmp_path / "plots" / there).write_bytes(b"picture")
    (tmp_path / "plots" / other).write_bytes(b"picture")
    async with watched(tmp_path, "plots") as (_, _, watch):
        came = (await watch.module("plots")).decode()
        data = "data:image/png;base64," + base64.b64encode(b"picture").decode()
        assert came == code.replace(f'i.p+"{there}"', f'"{data}"')


def install_extension(folder: Path, name: str, **build: object) -> Path:
    """Install an extension of JupyterLab as its builder writes it; return the folder of its code."""
    code = folder / name / "static"
    code.mkdir(parents=True)
    facts = {"load": "static/remoteEntry.1a2b.js", "extension": "./extension"} | build
    (folder / name / "package.json").write_text(json.dumps({"jupyterlab": {"_build": facts}}))
    (code / "remoteEntry.1a2b.js").write_text("var _JUPYTERLAB; /* entry */")
    (code / "12.ab.js").write_text(
        '/*! licence */\n"use strict";(self.webpackChunkplots=self.webpackChunkplots||[]).push()'
    )
    (code / "main.js").write_text('(self["rspackChunkplots"] = 1) /* chunk of rspack */')
    (code / "style.js").write_text("import 'plots/style.css';")
    (code / "worker.js").write_text("postMessage('not a chunk')")
    return code


async def test_a_library_that_only_extends_jupyterlab_comes_as_one_module(tmp_path: Path) -> None:
    install_extension(tmp_path, "@plots/lab", style="./style")
    install_extension(tmp_path, "both")
    install(tmp_path, "both")
    async with watched(tmp_path, "@plots/lab", "both") as (_, _, watch):
        code = (await watch.module("@plots/lab")).decode()
        assert code.startswith(f'define(["{FEDERATION}"], (federation, ...found) =>')
        assert (
            '{"name": "@plots/lab", "extension": "./extension", "style": "./style", "needs": []}'
            in code
        )
        assert '; /* entry */\n;return _JUPYTERLAB["@plots/lab"];' in code
        assert "webpackChunkplots" in code
        assert "chunk of rspack" in code
        assert "import" not in code
        assert "not a chunk" not in code
        # The bundle needs less of the page.
        assert await watch.module("both") == CODE.encode()


async def test_an_extension_asks_for_packages_that_the_page_may_ask_for(tmp_path: Path) -> None:
    code = install_extension(tmp_path, "plots")
    shared = {
        "scales": {"bundled": False},
        "base": {"bundled": True},
        "other": {"bundled": False},
        "plots": {"bundled": False},
        "odd": 1,
    }
    package = json.loads((code.parent / "package.json").read_text())
    package["jupyterlab"]["sharedPackages"] = shared
    (code.parent / "package.json").write_text(json.dumps(package))
    async with watched(tmp_path, "plots", "scales", "base") as (_, _, watch):
        module = await watch.module("plots")
        assert module.startswith(f'define(["{FEDERATION}", "scales"], '.encode())
        assert b'"needs": ["scales"]' in module


@pytest.mark.parametrize(
    "build",
    [
        {"load": "static/../../secret.js"},
        {"load": "../remoteEntry.1a2b.js"},
        {"load": "static/other.js"},
        {"load": None},
        {"extension": None},
        {"extension": None, "mimeExtension": "./mime"},
    ],
)
async def test_an_extension_that_has_no_plugins_in_its_folder_is_none(
    tmp_path: Path, build: dict[str, object]
) -> None:
    install_extension(tmp_path, "plots", **build)
    (tmp_path / "secret.js").write_text("secret")
    async with watched(tmp_path, "plots") as (_, _, watch):
        with pytest.raises(UnknownModuleError, match="plots"):
            await watch.module("plots")


@pytest.mark.parametrize(
    "package", ["", "[]", '{"jupyterlab": []}', '{"jupyterlab": {"_build": 1}}', "ä"]
)
async def test_a_package_that_cannot_be_read_is_no_extension(tmp_path: Path, package: str) -> None:
    install_extension(tmp_path, "plots")
    (tmp_path / "plots" / "package.json").write_text(package, encoding="latin-1")
    async with watched(tmp_path, "plots") as (_, _, watch):
        with pytest.raises(UnknownModuleError):
            await watch.module("plots")


async def test_an_extension_is_bounded_by_all_of_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_modules, "MAX_MODULE", 2000)
    code = install_extension(tmp_path, "plots")
    install_extension(tmp_path, "small")
    (code / "13.js").write_text("(self.webpackChunkplots=[])" + "x" * 2000)
    async with watched(tmp_path, "plots", "small") as (_, _, watch):
        assert await watch.module("small")
        with pytest.raises(TooLargeError, match="'plots'"):
            await watch.module("plots")


async def ask_again(ada: Node, bob: Node, name: str) -> bytes:
    """Ask for a module that the viewer has already."""
    reply = await bob.hub.request(ada.id, "pane_module", {"pane": "loss", "module": name})
    return bytes(reply.buffers[0])


async def test_a_library_is_searched_for_again_only_when_its_files_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = install_extension(tmp_path, "plots")
    install(tmp_path, "a", "define(1)")
    searched: list[str] = []

    def search(name: str, folders: list[Path]) -> Found:
        searched.append(name)
        return find_module(name, folders)

    monkeypatch.setattr(installed, "find_module", search)
    async with watched(tmp_path, "plots", "a", "later") as (ada, bob, _):
        for _ in range(3):
            assert b"chunk of rspack" in await ask_again(ada, bob, "plots")
            assert await ask_again(ada, bob, "a") == b"define(1)"
            with pytest.raises(UnknownModuleError):
                await ask_again(ada, bob, "later")
        assert sorted(searched) == ["a", "later", "plots"]
        # What is installed, updated or removed meanwhile counts at once.
        install(tmp_path, "later", "define(2)")
        assert await ask_again(ada, bob, "later") == b"define(2)"
        (tmp_path / "a" / "index.js").unlink()
        with pytest.raises(UnknownModuleError):
            await ask_again(ada, bob, "a")
        (code / "99.js").write_text("(self.webpackChunkplots=[]) /* new chunk */")
        os.utime(code, ns=(1, 1))  # whatever the resolution of its times
        assert b"new chunk" in await ask_again(ada, bob, "plots")
        assert len(searched) == 6


async def test_the_places_of_so_many_modules_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "MAX_REMEMBERED", 2)
    modules = InstalledModules(lambda: [tmp_path])
    for name in ("a", "b", "c", "nothing", "nul\0"):
        install(tmp_path, "c")
        assert (modules.find(name) is not None) == (name == "c")
        assert len(modules._found) <= 2


async def test_the_code_comes_once_a_link_for_all_who_watch(tmp_path: Path) -> None:
    install(tmp_path, "plots")
    async with watched(tmp_path, "plots") as (ada, bob, watch):
        other = await bob.watcher.open(ada.id, "loss")
        await watch.module("plots")
        (tmp_path / "plots" / "index.js").unlink()
        assert await other.module("plots") == await watch.module("plots") == CODE.encode()
        modules = bob.watcher.modules_of(ada.id)
        modules._codes.clear()
        with pytest.raises(UnknownModuleError, match="plots") as missing:
            await watch.module("plots")
        assert ada.hub.node_name in missing.value.message
        assert "plots" in (missing.value.hint or "")


@pytest.mark.parametrize("name", ["other", "plots2", "index.js", "jupyterlab"])
async def test_only_modules_that_a_widget_of_the_pane_names_are_given(
    tmp_path: Path, name: str
) -> None:
    install(tmp_path, name)
    async with watched(tmp_path, "plots") as (_, _, watch):
        with pytest.raises(NotGrantedError, match="loss"):
            await watch.module(name)


@pytest.mark.parametrize(
    "name",
    ["..", "../secret", "a/../secret", "a/b", "@a/b/c", "@../a", "/etc", "a\\b", "a\0", "", ".a", "a\n"],
)  # fmt: skip
async def test_no_name_leads_out_of_the_folders(tmp_path: Path, name: str) -> None:
    install(tmp_path / "extensions", "a")
    (tmp_path / "index.js").write_text("secret")
    install(tmp_path, "secret", "secret")
    async with watched(tmp_path / "extensions") as (ada, bob, watch):
        # The owner's own widget may name anything.
        make(ada.kernel, "m", _model_module=name, _view_module=name)
        view(ada.kernel, "m")
        with pytest.raises(MalformedError):
            await bob.hub.request(ada.id, "pane_module", {"pane": "loss", "module": name})
        with pytest.raises(PeerError):
            await watch.module(name)


async def test_nothing_is_given_to_who_may_not_see_the_pane_or_has_not_opened_it(
    tmp_path: Path,
) -> None:
    install(tmp_path, "plots")
    async with watched(tmp_path, "plots") as (ada, bob, watch):
        await watch.close()
        asked = {"pane": "loss", "module": "plots"}
        with pytest.raises(NotGrantedError):
            await bob.hub.request(ada.id, "pane_module", asked)
        ada.publisher.grant("loss", bob.id, None)
        with pytest.raises(NotGrantedError):
            await bob.hub.request(ada.id, "pane_module", asked)


async def test_modules_are_bounded_one_by_one_and_for_a_pane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_modules, "MAX_MODULE", 100)
    monkeypatch.setattr(owner_modules, "MAX_MODULES", 200)
    for name, size in {"a": 90, "b": 90, "c": 90, "large": 101}.items():
        install(tmp_path, name, "x" * size)
    async with watched(tmp_path, "a", "b", "c") as (ada, _, watch):
        await watch.module("b")
        await watch.module("a")
        with pytest.raises(TooLargeError, match="'c'"):
            await watch.module("c")
        make(ada.kernel, "large", _model_module="large")
        view(ada.kernel, "large")
    async with watched(tmp_path, "large") as (_, _, watch):
        with pytest.raises(TooLargeError, match="'large'"):
            await watch.module("large")


async def test_who_asks_again_and_again_has_to_wait(tmp_path: Path) -> None:
    install(tmp_path, "plots")
    async with watched(tmp_path, "plots") as (ada, bob, _):
        asked = {"pane": "loss", "module": "plots"}
        for _ in range(owner_modules.BURST):
            await bob.hub.request(ada.id, "pane_module", asked)
        with pytest.raises(BusyError):
            await bob.hub.request(ada.id, "pane_module", asked)


async def test_a_guest_gets_the_code_of_the_pane_of_its_link(tmp_path: Path) -> None:
    install(tmp_path, "plots")
    async with watched(tmp_path, "plots") as (ada, _, _):
        guest = await open_link(ada.hub, ada.hub.guests.mint("loss"))
        await guest.got("pane_offer")
        asked = {"pane": "loss", "module": "plots"}
        assert (await guest.ask("pane_module", asked)).data["code"] == "not_granted"
        guest.say("pane_open", {"pane": "loss"})
        await guest.got("pane_snapshot")
        answer = await guest.ask("pane_module", asked)
        assert (answer.type, bytes(answer.buffers[0])) == ("pane_module", CODE.encode())
        other = await guest.ask("pane_module", asked | {"pane": "other"})
        assert other.data["code"] == "not_granted"
