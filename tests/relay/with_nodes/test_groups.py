"""A class on one pane: its viewers get one copy by the relay, each of them and nobody else."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from jupyter_peer.errors import WireError
from jupyter_peer.hub.groups.group import Group
from jupyter_peer.hub.links.session import Session
from jupyter_peer.panes.owner import pane_groups
from jupyter_peer.panes.owner.pane_groups import MIN_MEMBERS
from jupyter_peer.panes.viewer.watch import Watch
from jupyter_peer.wire.relay.frames import DATA, GROUP, RelayFrame
from jupyter_peer.wire.relay.group import GroupOpener
from tests.machine.waiting import until
from tests.peers.hubs import pair, relay_hub, running
from tests.peers.nodes import Node, texts
from tests.relay.hostile import HostileRelay, honest, hostile_relay
from tests.relay.nodes import relay


class Class:
    """An owner and viewers at one relay, who watch one pane."""

    def __init__(self, ada: Node, others: list[Node]) -> None:
        self.ada = ada
        self.others = others
        self.watches: list[Watch] = []
        self.said = ""

    @property
    def groups(self) -> list[Group]:
        return list(self.ada.publisher._panes["loss"].audience.groups)

    @property
    def members(self) -> list[str]:
        return [node_id for group in self.groups for node_id in group.members]

    def write(self, text: str) -> None:
        self.ada.kernel.write(text)
        self.said += text

    async def seen(self, *watches: Watch) -> None:
        """Wait until these viewers, all without any, show what was said."""
        for watch in watches or self.watches:
            await until(lambda watch=watch: texts(watch) == [self.said], 20)

    async def gathered(self, count: int) -> None:
        """Wait until this number of viewers are members."""

        def are_members() -> bool:
            return len(self.members) == count

        await until(are_members, 20)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell no member what the last update was: a member that is late then goes on without its group."""
    monkeypatch.setattr(pane_groups, "CHECK_S", 3600.0)


@contextlib.asynccontextmanager
async def a_class(
    url: str,
    count: int = MIN_MEMBERS + 1,
    *,
    members: int | None = None,
    capabilities: Mapping[str, tuple[str, ...]] = {},
) -> AsyncIterator[Class]:
    """Yield an owner and its viewers; all of them, or the given number, are members of its group."""
    with tempfile.TemporaryDirectory() as folder:
        # Without pings, which are messages too.
        still = partial(relay_hub, Path(folder), ping_interval_s=3600.0)
        ada_hub = still("ada", url)
        hubs = [still(f"viewer{number}", None) for number in range(count)]
        for hub in hubs:
            hub._local.capabilities = capabilities.get(hub.node_name, hub._local.capabilities)
        async with running(ada_hub, *hubs):
            ada, others = Node(ada_hub), [Node(hub) for hub in hubs]
            lesson = Class(ada, others)
            await ada.share()
            lesson.write("begun\n")
            for other in others:
                await pair(ada_hub, other.hub)
                ada.publisher.grant("loss", other.id, "view")
                await until(other.watcher.offered)
                lesson.watches.append(await other.watcher.open(ada.id, "loss"))
            await lesson.gathered(count if members is None else members)
            yield lesson
            for node in (*others, ada):
                await node.close()


def of_groups(relay: HostileRelay) -> list[RelayFrame]:
    return [frame for frame in map(RelayFrame.from_bytes, relay.seen) if frame.kind == GROUP]


@pytest.mark.usefixtures("unhurried")
async def test_a_class_gets_each_update_in_one_copy_who_comes_late_too() -> None:
    async with relay() as url, a_class(url) as lesson:
        await gets_one_copy(lesson)
        await lesson.watches[0].close()
        lesson.write("meanwhile\n")
        lesson.watches[0] = await lesson.others[0].watcher.open(lesson.ada.id, "loss")
        lesson.write("with all\n")
        await lesson.seen()
        await lesson.gathered(len(lesson.others))
        await gets_one_copy(lesson)
        # No string of this one is long enough to be sent by reference.
        before = sent_to_each(lesson)
        large = {"application/json": ["x" * 4000] * 80, "text/plain": ""}
        lesson.ada.kernel.say("display_data", {"data": large, "metadata": {}})

        def show_both() -> bool:
            return all(len(watch.state.outputs.outputs) == 2 for watch in lesson.watches)

        await until(show_both, 20)
        assert all(after > count for after, count in zip(sent_to_each(lesson), before, strict=True))
        assert len(lesson.members) == len(lesson.others)


async def gets_one_copy(lesson: Class) -> None:
    before = sent_to_each(lesson)
    for number in range(5):
        lesson.write(f"{number}\n")
        await lesson.seen()
    assert sent_to_each(lesson) == before


def sent_to_each(lesson: Class) -> list[int]:
    metrics = lesson.ada.hub.metrics()
    return [metrics[other.id]["messages_out"] for other in lesson.others]


def opener_of(lesson: Class, at: int) -> GroupOpener:
    """Return what a viewer opens frames of the group with."""
    (opener,) = session_of(lesson, at)._groups.values()
    return opener


def session_of(lesson: Class, at: int) -> Session:
    session = lesson.others[at].hub._peers.connected(lesson.ada.id).session
    assert session is not None
    return session


def epoch_of(frame: RelayFrame) -> int:
    return int.from_bytes(frame.payload[:4], "big")


async def revoke(lesson: Class, at: int) -> None:
    lesson.ada.publisher.grant("loss", lesson.others[at].id, None)


async def block(lesson: Class, at: int) -> None:
    await lesson.ada.hub.block(lesson.others[at].id)


async def leave(lesson: Class, at: int) -> None:
    await lesson.watches[at].close()
    viewers = lesson.ada.publisher._panes["loss"].audience.viewers
    await until(lambda: lesson.others[at].id not in viewers)


async def disconnect(lesson: Class, at: int) -> None:
    await lesson.others[at].hub.disconnect(lesson.ada.id)
    await until(lambda: lesson.ada.hub.peer(lesson.others[at].id).status != "connected")


ENDS = (revoke, block, leave, disconnect)


@pytest.mark.usefixtures("unhurried")
async def test_who_is_no_viewer_any_more_reads_nothing_that_comes_after() -> None:
    async with hostile_relay() as relay, a_class(relay.url, len(ENDS) + 2) as lesson:
        handed: list[bytes] = []

        def keep(frame: RelayFrame) -> list[RelayFrame]:
            if frame.kind == GROUP:
                handed.append(bytes(frame.payload[8:]))
            return [frame]

        relay.attack = keep
        for at, end in enumerate(ENDS):
            key = opener_of(lesson, at).key
            await end(lesson, at)
            handed.clear()
            lesson.write(f"after {end.__name__}\n")
            await lesson.seen(*lesson.watches[at + 1 :])
            gone = GroupOpener(lesson.ada.id, lesson.ada.hub.identity.public_key, key)
            assert handed
            for frame in handed:
                for tried in (frame, key.epoch.to_bytes(4, "big") + frame[4:]):
                    with pytest.raises(WireError):
                        gone.open(tried)
            assert f"after {end.__name__}\n" not in "".join(texts(lesson.watches[at]))
            assert epoch_of(of_groups(relay)[-1]) == key.epoch + 1


class GroupAttacks:
    """What a relay can do to every third frame that it hands to a member."""

    def __init__(self) -> None:
        self.done = 0
        self._count = 0
        self._kept: list[RelayFrame] = []

    def _is_due(self, frame: RelayFrame) -> bool:
        if frame.kind != GROUP:
            return False
        self._count += 1
        self._kept.append(frame)
        self.done += self._count % 3 == 0
        return self._count % 3 == 0

    @staticmethod
    def _with(frame: RelayFrame, payload: bytes) -> RelayFrame:
        return RelayFrame(GROUP, frame.dst, frame.src, frame.link, payload)

    def drop(self, frame: RelayFrame) -> list[RelayFrame]:
        return [] if self._is_due(frame) else [frame]

    def duplicate(self, frame: RelayFrame) -> list[RelayFrame]:
        return [frame, frame] if self._is_due(frame) else [frame]

    def alter(self, frame: RelayFrame) -> list[RelayFrame]:
        if not self._is_due(frame):
            return [frame]
        data = bytearray(frame.payload)
        data[self._count % len(data)] ^= 1
        return [self._with(frame, bytes(data))]

    def cut(self, frame: RelayFrame) -> list[RelayFrame]:
        if not self._is_due(frame):
            return [frame]
        return [self._with(frame, bytes(frame.payload[: self._count % 40]))]

    def replay(self, frame: RelayFrame) -> list[RelayFrame]:
        if not self._is_due(frame):
            return [frame]
        return [frame, *(self._with(frame, bytes(old.payload)) for old in self._kept[:20])]

    def reorder(self, frame: RelayFrame) -> list[RelayFrame]:
        if self._is_due(frame):
            return []
        of_it = [old for old in self._kept[:-1] if old.dst == frame.dst]
        return [frame, *of_it[-1:]] if frame.kind == GROUP else [frame]

    def renumber(self, frame: RelayFrame) -> list[RelayFrame]:
        if not self._is_due(frame):
            return [frame]
        payload = bytes(frame.payload)
        return [self._with(frame, payload[:12] + bytes([9] * 8) + payload[20:]), frame]

    def pass_off_as_the_links(self, frame: RelayFrame) -> list[RelayFrame]:
        """Answer to a frame of a group with one of the link: that link is cut, and comes again."""
        if not self._is_due(frame):
            return [frame]
        return [frame, RelayFrame(DATA, frame.dst, frame.src, frame.link, frame.payload)]


async def test_what_a_relay_does_to_a_group_changes_nothing_that_is_shown(monkeypatch) -> None:
    monkeypatch.setattr(pane_groups, "_FIRST_PAUSE_S", 0.0)
    names = [name for name in vars(GroupAttacks) if not name.startswith("_")]
    async with hostile_relay() as relay, a_class(relay.url) as lesson:
        for name in names:
            attacks = GroupAttacks()
            relay.attack = getattr(attacks, name)
            for number in range(20):
                lesson.write(f"{name} {number}\n")
                for watch in lesson.watches:
                    assert lesson.said.startswith("".join(texts(watch)))
                await lesson.seen(lesson.watches[number % len(lesson.watches)])
                if attacks.done >= 5:
                    break
            assert attacks.done
            relay.attack = honest
            lesson.write(f"the end of {name}\n")
            await lesson.seen()
            await lesson.gathered(len(lesson.others))
        assert not relay.holds(b"begun")


@pytest.mark.usefixtures("unhurried")
async def test_a_relay_learns_little_and_a_member_that_it_has_missed_the_last_update(
    monkeypatch,
) -> None:
    async with hostile_relay() as relay, a_class(relay.url) as lesson:
        lesson.write("the secret of the class\n")
        await lesson.seen()
        for secret in (b"the secret", b"pane_update", opener_of(lesson, 0).key.raw()):
            assert not relay.holds(secret)
        ((owner, group),) = relay.members
        assert owner == lesson.ada.id
        assert any(group in frame for frame in relay.seen)  # what is not sealed would be found
        relay.attack = lambda frame: [] if frame.kind == GROUP else [frame]
        monkeypatch.setattr(pane_groups, "CHECK_S", 0.05)
        for pause in ("_FIRST_PAUSE_S", "_LAST_PAUSE_S"):
            monkeypatch.setattr(pane_groups, pause, 3600.0)
        lesson.write("the last\n")
        await lesson.seen()
        # Who has asked goes on with its own link for a while.
        assert lesson.members == []


async def test_a_relay_without_groups_carries_a_copy_for_each() -> None:
    async with relay(max_group_members=0) as url, a_class(url, members=0) as lesson:
        lesson.write("more\n")
        await lesson.seen()
        assert lesson.groups == []


async def test_a_viewer_that_knows_no_groups_gets_its_own_copy() -> None:
    old = {"viewer1": ("panes", "pane-buffers", "pane-widgets")}
    async with relay() as url, a_class(url, MIN_MEMBERS, capabilities=old, members=0) as lesson:
        lesson.write("too few for a group\n")
        await lesson.seen()
        assert lesson.groups == []
    async with relay() as url, a_class(url, capabilities=old, members=MIN_MEMBERS) as lesson:
        lesson.write("more\n")
        await lesson.seen()
        assert lesson.others[1].id not in lesson.members


@pytest.mark.usefixtures("unhurried")
async def test_older_viewers_have_a_group_of_their_own_that_gets_sorted_keys() -> None:
    old = ("panes", "pane-buffers", "pane-widgets", "groups")
    capabilities = {f"viewer{number}": old for number in range(MIN_MEMBERS)}
    async with relay() as url, a_class(url, 2 * MIN_MEMBERS, capabilities=capabilities) as lesson:
        assert len(lesson.groups) == 2
        before = sent_to_each(lesson)
        tree = {"z": 1, "a": {"y": 2, "b": 3}}
        content = {"data": {"application/json": tree, "text/plain": ""}, "metadata": {}}
        lesson.ada.kernel.say("display_data", content)
        await until(lambda: all(len(each.state.outputs) == 2 for each in lesson.watches), 20)
        assert sent_to_each(lesson) == before
        trees = [
            json.dumps(watch.state.outputs.outputs[1]["data"]["application/json"])
            for watch in lesson.watches
        ]
        both = [json.dumps(tree, sort_keys=True)] * MIN_MEMBERS + [json.dumps(tree)] * MIN_MEMBERS
        assert trees == both


async def test_a_group_ends_with_its_last_viewers() -> None:
    async with relay() as url, a_class(url, MIN_MEMBERS) as lesson:
        for watch in lesson.watches[1:]:
            await watch.close()
        viewers = lesson.ada.publisher._panes["loss"].audience.viewers
        await until(lambda: len(viewers) == 1)
        lesson.write("alone\n")
        await lesson.seen(lesson.watches[0])
        assert lesson.groups == []
        assert lesson.ada.hub.groups._own == {}
