"""SPAKE2 is the one of RFC 9382: held to the vectors of its appendix B, which are for P-256."""

from __future__ import annotations

import pytest

from jupyter_peer.errors import MalformedError
from jupyter_peer.wire.codes.spake2 import Ed25519Group, Spake2

Point = tuple[int, int] | None


class P256Group:
    """The group of the vectors, by the school method: slow, and for tests alone."""

    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    cofactor = 1
    generator = (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    )

    def __init__(self) -> None:
        self.m = self._open("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f")
        self.n = self._open("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49")

    def base(self, scalar: int) -> bytes:
        return self._write(self._times(scalar, self.generator))

    def multiply(self, scalar: int, element: bytes) -> bytes:
        return self._write(self._times(scalar, self._read(element)))

    def add(self, one: bytes, other: bytes) -> bytes:
        return self._write(self._plus(self._read(one), self._read(other)))

    def subtract(self, one: bytes, other: bytes) -> bytes:
        x, y = self._read(other)
        return self._write(self._plus(self._read(one), (x, self.p - y)))

    def _open(self, compressed: str) -> bytes:
        """Return a compressed point in full."""
        x = int(compressed[2:], 16)
        y = pow(x**3 - 3 * x + self.b, (self.p + 1) // 4, self.p)
        return self._write((x, y if y % 2 == int(compressed[:2], 16) % 2 else self.p - y))

    def _times(self, scalar: int, point: Point) -> Point:
        total: Point = None
        while scalar:
            if scalar & 1:
                total = self._plus(total, point)
            point, scalar = self._plus(point, point), scalar >> 1
        return total

    def _plus(self, one: Point, other: Point) -> Point:
        if one is None or other is None:
            return one or other
        (x1, y1), (x2, y2), p = one, other, self.p
        if x1 == x2 and (y1 + y2) % p == 0:
            return None
        slope = (
            (3 * x1 * x1 - 3) * pow(2 * y1, -1, p)
            if one == other
            else (y2 - y1) * pow(x2 - x1, -1, p)
        )
        x = (slope * slope - x1 - x2) % p
        return x, (slope * (x1 - x) - y1) % p

    @staticmethod
    def _read(element: bytes) -> tuple[int, int]:
        return int.from_bytes(element[1:33], "big"), int.from_bytes(element[33:], "big")

    @staticmethod
    def _write(point: Point) -> bytes:
        assert point is not None
        return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


# RFC 9382 appendix B: A, B, w, x, y, pA, pB, Ke, confirmation of A, of B.
RFC_9382 = [
    (
        b"server",
        b"client",
        "2ee57912099d31560b3a44b1184b9b4866e904c49d12ac5042c97dca461b1a5f",
        "43dd0fd7215bdcb482879fca3220c6a968e66d70b1356cac18bb26c84a78d729",
        "dcb60106f276b02606d8ef0a328c02e4b629f84f89786af5befb0bc75b6e66be",
        "04a56fa807caaa53a4d28dbb9853b9815c61a411118a6fe516a8798434751470f9010153ac33d0d5f2047ffdb1a3e42c9b4e6be662766e1eeb4116988ede5f912c",
        "0406557e482bd03097ad0cbaa5df82115460d951e3451962f1eaf4367a420676d09857ccbc522686c83d1852abfa8ed6e4a1155cf8f1543ceca528afb591a1e0b7",
        "0e0672dc86f8e45565d338b0540abe69",
        "58ad4aa88e0b60d5061eb6b5dd93e80d9c4f00d127c65b3b35b1b5281fee38f0",
        "d3e2e547f1ae04f2dbdbf0fc4b79f8ecff2dff314b5d32fe9fcef2fb26dc459b",
    ),
    (
        b"",
        b"client",
        "0548d8729f730589e579b0475a582c1608138ddf7054b73b5381c7e883e2efae",
        "403abbe3b1b4b9ba17e3032849759d723939a27a27b9d921c500edde18ed654b",
        "903023b6598908936ea7c929bd761af6039577a9c3f9581064187c3049d87065",
        "04a897b769e681c62ac1c2357319a3d363f610839c4477720d24cbe32f5fd85f44fb92ba966578c1b712be6962498834078262caa5b441ecfa9d4a9485720e918a",
        "04e0f816fd1c35e22065d5556215c097e799390d16661c386e0ecc84593974a61b881a8c82327687d0501862970c64565560cb5671f696048050ca66ca5f8cc7fc",
        "642f05c473c2cd79909f9a841e2f30a7",
        "47d29e6666af1b7dd450d571233085d7a9866e4d49d2645e2df975489521232b",
        "3313c5cefc361d27fb16847a91c2a73b766ffa90a4839122a9b70a2f6bd1d6df",
    ),
    (
        b"server",
        b"",
        "626e0cdc7b14c9db3e52a0b1b3a768c98e37852d5db30febe0497b14eae8c254",
        "07adb3db6bc623d3399726bfdbfd3d15a58ea776ab8a308b00392621291f9633",
        "b6a4fc8dbb629d4ba51d6f91ed1532cf87adec98f25dd153a75accafafedec16",
        "04f88fb71c99bfffaea370966b7eb99cd4be0ff1a7d335caac4211c4afd855e2e15a873b298503ad8ba1d9cbb9a392d2ba309b48bfd7879aefd0f2cea6009763b0",
        "040c269d6be017dccb15182ac6bfcd9e2a14de019dd587eaf4bdfd353f031101e7cca177f8eb362a6e83e7d5e729c0732e1b528879c086f39ba0f31a9661bd34db",
        "005184ff460da2ce59062c87733c299c",
        "bc9f9bbe99f26d0b2260e6456e05a86196a3307ec6663a18bf6ac825736533b2",
        "c2370e1bf813b086dff0d834e74425a06e6390f48f5411900276dcccc5a297ec",
    ),
    (
        b"",
        b"",
        "7bf46c454b4c1b25799527d896508afd5fc62ef4ec59db1efb49113063d70cca",
        "8cef65df64bb2d0f83540c53632de911b5b24b3eab6cc74a97609fd659e95473",
        "d7a66f64074a84652d8d623a92e20c9675c61cb5b4f6a0063e4648a2fdc02d53",
        "04a65b367a3f613cf9f0654b1b28a1e3a8a40387956c8ba6063e8658563890f46ca1ef6a676598889fc28de2950ab8120b79a5ef1ea4c9f44bc98f585634b46d66",
        "04589f13218822710d98d8b2123a079041052d9941b9cf88c6617ddb2fcc0494662eea8ba6b64692dc318250030c6af045cb738bc81ba35b043c3dcb46adf6f58d",
        "fc6374762ba5cf11f4b2caa08b2cd1b9",
        "dfb4db8d48ae5a675963ea5e6c19d98d4ea028d8e898dad96ea19a80ade95dca",
        "d0f0609d1613138d354f7e95f19fb556bf52d751947241e8c7118df5ef0ae175",
    ),
]


@pytest.mark.parametrize(("a", "b", "w", "x", "y", "pa", "pb", "ke", "ca", "cb"), RFC_9382)
def test_both_sides_come_to_what_the_rfc_says(
    a: bytes, b: bytes, w: str, x: str, y: str, pa: str, pb: str, ke: str, ca: str, cb: str
) -> None:
    group, password = P256Group(), int(w, 16)
    one = Spake2("A", password, int(x, 16), identities=(a, b), group=group)
    other = Spake2("B", password, int(y, 16), identities=(a, b), group=group)
    assert (one.share.hex(), other.share.hex()) == (pa, pb)
    keys = one.finish(other.share)
    assert keys == other.finish(one.share)
    assert [part.hex() for part in keys] == [ke, ca, cb]


def test_with_other_words_or_another_context_nothing_is_the_same() -> None:
    a, b = Spake2("A", 1234, 5, b"7"), Spake2("B", 1234, 6, b"7")
    agreed = a.finish(b.share)
    assert agreed == b.finish(a.share)
    for other in (Spake2("B", 1235, 6, b"7"), Spake2("B", 1234, 6, b"8")):
        keys, at_a = other.finish(a.share), a.finish(other.share)
        assert keys.confirm_a not in (at_a.confirm_a, agreed.confirm_a)
        assert keys.confirm_b not in (at_a.confirm_b, agreed.confirm_b)


ORDER_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"


@pytest.mark.parametrize(
    "share",
    [
        b"",
        bytes(31),
        bytes(33),
        bytes(32),
        (1).to_bytes(32, "little"),
        b"\xff" * 32,
        bytes.fromhex("ed" + "ff" * 30 + "7f"),
        bytes.fromhex(ORDER_8),
        (2).to_bytes(32, "little"),
    ],
    ids=[
        "none",
        "short",
        "long",
        "order 4",
        "neutral",
        "no field",
        "not canonical",
        "order 8",
        "off",
    ],
)
def test_what_is_no_element_of_the_group_is_refused(share: bytes) -> None:
    with pytest.raises(MalformedError):
        Spake2("A", 1234, 5).finish(share)


def test_a_share_that_hides_nothing_is_refused() -> None:
    group = Ed25519Group()
    with pytest.raises(MalformedError):
        Spake2("A", 1234, 5).finish(group.multiply(1234, group.n))
