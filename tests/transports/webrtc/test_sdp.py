"""What is understood of another side's session description, and that nothing else gets through."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import MalformedError, PeerError, TooLargeError
from jupyter_peer.transports.webrtc.sdp import MAX_CANDIDATES, MAX_SDP, Description

FINGERPRINT = ":".join(["AB"] * 32)
OFFER = f"""v=0
o=- 4004519089 4004519089 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0
a=msid-semantic:WMS *
m=application 55189 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 192.0.2.2
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
a=candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 55189 typ host
a=candidate:2 1 UDP 1694498815 203.0.113.9 4000 typ srflx raddr 192.0.2.2 rport 55189
a=candidate:3 1 udp 2130706431 2001:db8::9 57004 typ host
a=end-of-candidates
a=ice-ufrag:z9Dw
a=ice-pwd:BZFdoGzfVu2p85iL3WbY5F
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
""".replace("\n", "\r\n")


def changed(old: str, new: str) -> str:
    assert old in OFFER
    return OFFER.replace(old, new)


def test_an_offer_is_read_and_written_anew():
    offer = Description.from_sdp("offer", OFFER)
    assert (offer.ufrag, offer.password, offer.setup) == (
        "z9Dw",
        "BZFdoGzfVu2p85iL3WbY5F",
        "actpass",
    )
    assert offer.fingerprints == [("sha-256", FINGERPRINT)]
    assert [(each.host, each.port, each.type) for each in offer.candidates] == [
        ("192.0.2.2", 55189, "host"),
        ("203.0.113.9", 4000, "srflx"),
        ("2001:db8::9", 57004, "host"),
    ]
    assert Description.from_sdp("offer", offer.to_sdp()) == offer
    assert "4004519089" not in offer.to_sdp()
    assert "raddr" not in offer.to_sdp()


def test_an_answer_says_which_offer_it_is_for():
    text = changed("a=setup:actpass", "a=setup:active\r\na=x-jupyter-peer-answers:wxyz")
    answer = Description.from_sdp("answer", text)
    assert answer.answers == "wxyz"
    assert Description.from_sdp("answer", answer.to_sdp()) == answer


@pytest.mark.parametrize(
    "candidate",
    [
        "1 1 udp 1 127.0.0.1 9 typ host",
        "1 1 udp 1 ::1 9 typ host",
        "1 1 udp 1 ::ffff:127.0.0.1 9 typ host",
        "1 1 udp 1 224.0.0.251 5353 typ host",
        "1 1 udp 1 ff02::fb 5353 typ host",
        "1 1 udp 1 0.0.0.0 9 typ host",
        "1 1 udp 1 255.255.255.255 9 typ host",
        "1 1 udp 1 evil.example 9 typ host",
        "1 1 udp 1 8f0a.local 9 typ host",
        "1 1 tcp 1 192.0.2.7 9 typ host tcptype active",
        "1 2 udp 1 192.0.2.7 9 typ host",
        "1 1 udp 1 192.0.2.7 0 typ host",
        "1 1 udp 1 192.0.2.7 65536 typ host",
        "1 1 udp 9999999999 192.0.2.7 9 typ host",
        "1 1 udp 1 192.0.2.7 9 typ magic",
        "1 1 udp 1 192.0.2.999 9 typ host",
        "1 1 udp 1 192.0.2.7",
        "",
    ],
)
def test_a_candidate_that_is_no_other_machine_is_left_out(candidate):
    text = changed("a=end-of-candidates", f"a=candidate:{candidate}\r\na=end-of-candidates")
    assert Description.from_sdp("offer", text) == Description.from_sdp("offer", OFFER)


def test_loopback_counts_only_where_it_is_asked_for():
    text = changed("192.0.2.2 55189 typ", "127.0.0.1 55189 typ")
    assert len(Description.from_sdp("offer", text).candidates) == 2
    assert len(Description.from_sdp("offer", text, allow_loopback=True).candidates) == 3


def test_many_candidates_are_cut():
    lines = "".join(f"a=candidate:1 1 udp 1 192.0.2.7 {n} typ host\r\n" for n in range(1, 90))
    offer = Description.from_sdp("offer", changed("a=end-of-candidates", lines + "a=x"))
    assert len(offer.candidates) == MAX_CANDIDATES


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (None, MalformedError),
        (b"v=0", MalformedError),
        ("", MalformedError),
        ("v=0\r\n" * 200, TooLargeError),
        ("x" * (MAX_SDP + 1), TooLargeError),
        (changed("v=0", "v=1"), MalformedError),
        (changed("m=application 55189", "m=audio 9"), MalformedError),
        (changed("a=mid:0", "m=audio 9 RTP/AVP 0\r\na=mid:0"), MalformedError),
        (changed("a=mid:0", "m=application 9 UDP/DTLS/SCTP x\r\na=mid:0"), MalformedError),
        (changed("a=setup:actpass", "a=setup:active"), MalformedError),
        (changed("a=setup:actpass", ""), MalformedError),
        (changed("a=setup:actpass", "a=setup:actpass\r\na=setup:active"), MalformedError),
        (changed("a=ice-ufrag:z9Dw", "a=ice-ufrag:z9 w"), MalformedError),
        (changed("a=ice-ufrag:z9Dw", "a=ice-ufrag:" + "z" * 300), MalformedError),
        (changed("a=ice-pwd:", "a=ice-pwd: "), MalformedError),
        (changed("a=sctp-port:5000", "a=sctp-port:1"), MalformedError),
        (changed("sha-256 AB", "md5 AB"), MalformedError),
        (changed("sha-256 AB", "sha-512 AB"), MalformedError),
        (changed("sha-256 AB", "sha-256 ZZ"), MalformedError),
        (
            changed("a=setup:actpass", f"a=fingerprint:sha-256 {FINGERPRINT}\r\n" * 3 + "a=setup:actpass"),
            MalformedError,
        ),
    ],
)  # fmt: skip
def test_what_is_no_offer_of_one_data_channel_is_refused(text, error):
    with pytest.raises(error):
        Description.from_sdp("offer", text)


LINES = OFFER.split("\r\n")


@given(
    st.sampled_from(["offer", "answer"]),
    st.lists(st.sampled_from(LINES) | st.text(max_size=60), max_size=40).map("\r\n".join)
    | st.lists(st.integers(0, len(LINES) - 1), max_size=3).map(
        lambda gone: "\r\n".join(line for n, line in enumerate(LINES) if n not in gone)
    )
    | st.text(),
)
def test_any_text_is_a_description_that_stays_the_same_or_a_clear_error(kind, text):
    try:
        found = Description.from_sdp(kind, text)
    except PeerError:
        return
    assert Description.from_sdp(kind, found.to_sdp()) == found
    assert found.to_sdp().isascii()
    assert found.to_sdp().count("m=") == 1
