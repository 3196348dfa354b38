"""What opens a node is not shown in its panes, wherever a kernel puts it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.document.qr import invite_qr, qr_svg
from jupyter_peer.panes.kernel.channels.listener import TapMessage
from jupyter_peer.panes.kernel.channels.tap import KernelTap
from jupyter_peer.panes.kernel.masking import (
    INVITE_REMARK,
    MIN_BEGINNING,
    MIN_HELD,
    SECRET_REMARK,
    Masks,
)
from tests.machine.waiting import until
from tests.panes.real_kernels import TIMEOUT, closed, kernel

SECRET = "q7Zr-EXAMPLE_of-a-Secret-With-43-Characters"
OTHER = "another-secret_of-this-node-0123456789abcde"
INVITE = "jpeer1:" + "eyJ2IjoxLCJpZCI6ImFiYyJ9-_" * 6


def masks(*secrets: str) -> Masks:
    return Masks(lambda: secrets or (SECRET, OTHER))


def told(pieces: list[str]) -> str:
    """Return what viewers get of one stream, to its end."""
    mine = masks()
    shown = [mine.feed("cell", "stdout", piece) for piece in pieces]
    return "".join(shown) + "".join(text for _, text in mine.release("cell"))


@pytest.mark.parametrize("secret", [SECRET, OTHER, INVITE])
def test_a_secret_in_one_piece_is_replaced_by_a_remark(secret: str) -> None:
    remark = INVITE_REMARK if secret is INVITE else SECRET_REMARK
    assert told([f"before {secret} after\n"]) == f"before {remark} after\n"


@pytest.mark.parametrize("secret", [SECRET, INVITE])
def test_a_secret_that_is_cut_anywhere_is_replaced_too(secret: str) -> None:
    for cut in range(1, len(secret)):
        shown = told([f"a {secret[:cut]}", f"{secret[cut:]} b"])
        longest = max(MIN_HELD - 1, len("jpeer1:"))
        assert secret[: longest + 1] not in shown, cut
        assert secret[cut:][:12] not in shown or len(secret) - cut < 12, cut
        assert shown.startswith("a ")
        assert shown.endswith(" b")


@pytest.mark.parametrize("secret", [SECRET, INVITE])
def test_a_secret_that_is_written_character_by_character_is_not_shown(secret: str) -> None:
    shown = told([*f"a {secret} b"])
    left = shown.replace(SECRET_REMARK, "").replace(INVITE_REMARK, "")
    assert len(left) <= len("a  b") + len("jpeer1:") + 1


def test_the_drawing_of_an_invite_is_replaced_and_that_of_a_link_is_not() -> None:
    drawn, link = invite_qr(INVITE), qr_svg("https://relay.example/s/x#v1.a.b")
    assert drawn is not None
    bundle = {"text/html": f"<p>scan</p>{drawn}<p>or</p>{link}"}
    mask = masks().mask()
    assert mask.is_in(json.dumps(bundle).encode())
    assert mask.value(bundle) == {"text/html": f"<p>scan</p>{INVITE_REMARK}<p>or</p>{link}"}


@given(st.lists(st.text("abq7Z-jper1:", max_size=9), max_size=9))
def test_text_without_a_secret_is_shown_whole_and_in_order(pieces: list[str]) -> None:
    text = "".join(pieces)
    if "jpeer1:" not in text:
        assert told(pieces) == text


def test_a_short_beginning_of_a_secret_is_shown_when_nothing_follows() -> None:
    mine = masks()
    begun = f"it begins with {SECRET[:12]}"
    assert mine.feed("cell", "stdout", begun) == "it begins with "
    assert mine.is_holding("cell")
    assert not mine.is_holding("other")
    assert mine.release("cell") == [("stdout", SECRET[:12])]
    assert mine.release("cell") == []
    # It was told, so only what follows of the secret can be kept back.
    assert SECRET[20:] not in mine.feed("cell", "stdout", SECRET[12:])


def test_a_long_beginning_is_not_shown_even_if_the_rest_was_cut_off() -> None:
    mine = masks()
    assert mine.feed("cell", "stdout", f"{SECRET[:20]}") == ""
    assert mine.release("cell") == [("stdout", SECRET_REMARK)]
    assert mine.mask().text(f"'{SECRET[:30]}...'") == f"'{SECRET_REMARK}...'"
    assert mine.mask().is_in(SECRET[:MIN_BEGINNING].encode())
    assert mine.mask().text(SECRET[: MIN_BEGINNING - 1]) == SECRET[: MIN_BEGINNING - 1]


def test_streams_and_cells_do_not_mix() -> None:
    mine = masks()
    mine.feed("one", "stdout", SECRET[:20])
    assert mine.feed("two", "stdout", SECRET[20:]) == SECRET[20:]
    assert mine.feed("one", "stderr", SECRET[20:]) == SECRET[20:]
    assert mine.feed("one", "stdout", SECRET[20:]) == SECRET_REMARK


def test_what_anybody_may_have_chosen_is_no_secret() -> None:
    assert masks("sesame").feed("cell", "stdout", "open sesame") == "open sesame"
    assert masks("").feed("cell", "stdout", "open sesame") == "open sesame"


def test_an_invite_that_was_wrapped_into_lines_is_not_shown() -> None:
    body = INVITE.removeprefix("jpeer1:")
    wrapped = "jpeer1:" + "\n".join(body[at : at + 40] for at in range(0, len(body), 40))
    assert body[40:80] not in masks().mask().text(wrapped)


def test_a_secret_is_found_in_keys_lists_and_buffers() -> None:
    mask = masks().mask()
    value = {f"key {SECRET}": [{"deep": [f"x{SECRET}y", 1, None]}]}
    assert mask.is_in(json.dumps(value).encode())
    assert SECRET not in json.dumps(mask.value(value))
    (buffer,) = mask.buffers([memoryview(b"\0" + SECRET.encode() + INVITE.encode() + b"\xff")])
    assert bytes(buffer) == b"\0" + b"*" * len(SECRET + INVITE) + b"\xff"


class Ear:
    """Hears everything."""

    def __init__(self) -> None:
        self.messages: list[TapMessage] = []

    def wants(self, msg_type: str, parent_id: str) -> bool:
        return msg_type != "execute_input"

    def on_message(self, message: TapMessage) -> None:
        self.messages.append(message)

    def on_end(self, reason: str) -> None:
        pass

    def is_idle(self, cell: str) -> bool:
        return any(
            message.msg_type == "status"
            and message.parent_id == cell
            and message.content["execution_state"] == "idle"
            for message in self.messages
        )


async def _heard(code: str) -> list[TapMessage]:
    async with kernel() as (manager, client):
        tap, ear = KernelTap("k", manager, secrets=lambda: (SECRET,)), Ear()
        tap.subscribe(ear)
        await tap.start()
        before = f"s, i = {SECRET!r}, {INVITE!r}\n"
        cell = client.execute(before + code, stop_on_error=False)
        await until(lambda: ear.is_idle(cell), TIMEOUT)
        tap.close()
        await closed(tap)
        return [message for message in ear.messages if message.parent_id == cell]


async def test_a_real_kernel_can_show_it_in_no_way() -> None:
    messages = await _heard(
        "import sys, time\n"
        "from IPython.display import display, HTML, update_display\n"
        "import ipywidgets as w\n"
        "print(s, i); print(s, file=sys.stderr)\n"
        "for c in s: print(c, end='', flush=True)\n"
        "print(s[:20], end='', flush=True); time.sleep(.2); print(s[20:])\n"
        "display(HTML('<b>' + s + '</b>'), display_id='d'); update_display({s: i}, display_id='d')\n"
        "t = w.Text(s); display(t); t.value = i; t.description = s; t.send({'a': s})\n"
        "o = w.Output(); display(o)\n"
        "with o: print(s)\n"
        "u = w.Image(value=s.encode()); display(u)\n"
        "raise ValueError(s + i)"
    )
    kinds = {message.msg_type for message in messages}
    assert {"stream", "display_data", "update_display_data", "comm_open", "comm_msg"} <= kinds
    assert "error" in kinds
    everything = repr(messages)
    written = "".join(m.content["text"] for m in messages if m.msg_type == "stream")
    for part in (SECRET[8:20], SECRET[20:], INVITE[20:60]):
        assert part not in everything
        assert part not in written
    assert "cTdaci1FWEFNUExF" not in everything  # base64 of the beginning of the secret
    assert everything.count(SECRET_REMARK) > 10
    assert everything.count(INVITE_REMARK) > 3


async def test_what_is_held_back_comes_before_the_kernel_is_idle() -> None:
    messages = await _heard("print(s[:12], end='', flush=True); display(1)")
    shown = [(m.msg_type, m.content.get("text")) for m in messages if m.msg_type != "status"]
    assert shown == [("display_data", None), ("stream", SECRET[:12])]
    assert messages[-1].msg_type == "status"
