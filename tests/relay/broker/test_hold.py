from __future__ import annotations

from hypothesis import given, strategies as st

from jupyter_peer.relay.broker.hold import HoldStore
from jupyter_peer.wire.relay.frames import CLOSE, DATA, RelayFrame, close_frame

ADA, BOB, EVE = "a" * 16, "b" * 16, "e" * 16
ONE, TWO = b"link-one", b"link-two"
COST = 256 + 43


def store(**limits: float) -> HoldStore:
    values = {"hold_s": 30, "max_node": 1 << 20, "max_sender": 1 << 22, "max_all": 1 << 26}
    return HoldStore(**{**values, **limits})


def frame(payload: bytes = b"", dst: str = BOB, src: str = ADA, link: bytes = ONE) -> bytes:
    return RelayFrame(DATA, dst, src, link, payload).to_bytes()


def test_frames_are_given_back_once_each_link_in_order():
    hold = store()
    frames = [frame(b"1"), frame(b"2", link=TWO), frame(b"3"), frame(b"4", src=EVE)]
    assert all(hold.add(each, 0) for each in frames)
    assert hold.add(frame(b"other", dst=EVE), 0)
    taken = hold.take(BOB.encode())
    assert sorted(taken) == sorted(frames)
    assert taken.index(frames[0]) < taken.index(frames[2])
    assert hold.take(BOB.encode()) == []
    assert hold.take(EVE.encode()) == [frame(b"other", dst=EVE)]
    assert hold.size == 0


def test_a_link_goes_as_a_whole_so_long_after_its_first_frame():
    hold = store(hold_s=10)
    hold.add(frame(b"1"), 0)
    hold.add(frame(b"2"), 9)
    hold.add(frame(b"3", link=TWO), 5)
    assert hold.expire(9.9) == []
    assert hold.expire(10) == [(BOB.encode(), ADA.encode() + ONE)]
    assert hold.take(BOB.encode()) == [frame(b"3", link=TWO)]
    assert hold.expire(100) == []
    # the same link later begins anew
    hold.add(frame(b"4"), 100)
    assert hold.expire(109) == []
    assert hold.expire(110) == [(BOB.encode(), ADA.encode() + ONE)]


def test_each_limit_holds_and_what_was_held_before_stays():
    for limit in ("max_node", "max_sender", "max_all"):
        hold = store(**{limit: 2 * COST})
        assert hold.add(frame(), 0)
        assert hold.add(frame(link=TWO), 0)
        assert not hold.add(frame(), 0)
        assert len(hold.take(BOB.encode())) == 2
        assert hold.add(frame(), 0)


def test_one_sender_does_not_take_the_room_of_others():
    hold = store(max_sender=2 * COST)
    assert hold.add(frame(dst=BOB), 0)
    assert hold.add(frame(dst=EVE), 0)
    assert not hold.add(frame(dst="c" * 16), 0)
    assert hold.add(frame(dst="c" * 16, src=BOB), 0)


def test_of_a_closed_link_only_the_end_is_kept():
    hold = store(max_node=3 * COST)
    for _ in range(3):
        assert hold.add(frame(), 0)
    end = close_frame(BOB.encode(), ADA.encode(), ONE, "")
    assert hold.add(end, 0)
    assert hold.take(BOB.encode()) == [end]


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.sampled_from([BOB, EVE]),
                st.sampled_from([ONE, TWO]),
                st.integers(0, 3000),
                st.booleans(),
            ),
            st.sampled_from([BOB, EVE]),
            st.integers(1, 20),
        ),
        max_size=60,
    )
)
def test_whatever_happens_the_sizes_are_those_of_what_is_held(steps):
    hold = store(hold_s=10, max_node=20_000, max_sender=30_000, max_all=30_000)
    now = 0.0
    held: dict[tuple[str, bytes], tuple[float, list[bytes]]] = {}
    for step in steps:
        if isinstance(step, int):
            now += step
            over = {(node.decode(), lane[16:]) for node, lane in hold.expire(now)}
            assert over == {key for key, (since, _) in held.items() if since + 10 <= now}
            held = {key: value for key, value in held.items() if key not in over}
        elif isinstance(step, str):
            taken = hold.take(step.encode())
            keys = [key for key in held if key[0] == step]
            assert sorted(taken) == sorted(each for key in keys for each in held.pop(key)[1])
        else:
            dst, link, size, is_close = step
            kind = CLOSE if is_close else DATA
            data = RelayFrame(kind, dst, ADA, link, bytes(size)).to_bytes()
            kept = held.get((dst, link), (now, []))
            if hold.add(data, now):
                held[dst, link] = (kept[0], [data] if is_close else [*kept[1], data])
            elif is_close and (dst, link) in held:
                held[dst, link] = (kept[0], [])
        assert hold.size == sum(len(each) + 256 for _, frames in held.values() for each in frames)
        assert hold.size <= 30_000
    for node in (BOB, EVE):
        hold.take(node.encode())
    assert hold.size == 0


def test_links_that_come_and_go_leave_nothing_behind():
    hold = store(max_node=COST)
    for number in range(1000):
        link = number.to_bytes(8, "big")
        if not hold.add(frame(link=link), 0):
            hold.drop(BOB.encode(), ADA.encode() + link)
            hold.take(BOB.encode())
    hold.take(BOB.encode())
    assert hold.size == 0
    assert not hold._deadlines
