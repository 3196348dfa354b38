"""The golden vectors: they are what the code writes, and what others read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl import bindings

from jupyter_peer.wire.directory import Directory
from jupyter_peer.wire.invite import Invite, token_hash
from jupyter_peer.wire.link.buffers import check_digests
from jupyter_peer.wire.link.channel import SealedChannel
from jupyter_peer.wire.link.envelope import canonical_bytes, from_canonical, from_text
from jupyter_peer.wire.link.frames import Assembler, read_batch, read_credit, read_envelope
from jupyter_peer.wire.link.identity import Identity, decode_public_key, verify
from jupyter_peer.wire.link.seal import Opener, Sealer
from jupyter_peer.wire.payloads.agent_chain import (
    Hop,
    begin_chain,
    check_chain,
    extend_chain,
    read_chain,
)
from jupyter_peer.wire.relay.group import GroupKey, GroupOpener
from tests.vectors import make
from tests.wire.by_hand import (
    HandError,
    HandPeer,
    canonical_of,
    check_chain as check_chain_by_hand,
    extend_chain as extend_chain_by_hand,
    open_of_group,
    read_directory,
    read_invite,
)
from tests.wire.makers import arrived

MADE = make.make()
VECTORS = {name: json.loads((make.HERE / name).read_text(encoding="utf-8")) for name in MADE}


@pytest.mark.parametrize("name", MADE)
def test_the_script_makes_the_files_again_byte_for_byte(name):
    assert (make.HERE / name).read_text(encoding="utf-8") == MADE[name]


@pytest.mark.parametrize("name", ["ada", "bob"])
def test_identities_follow_from_their_seeds(name):
    vector = VECTORS["identity.json"][name]
    identity = Identity.from_seed(bytes.fromhex(vector["seed"]))
    assert identity.public_key_b64 == vector["public_key"]
    assert identity.node_id == vector["node_id"]
    assert identity.fingerprint == vector["fingerprint"]
    assert Identity.from_pem(vector["pem"].encode()).node_id == vector["node_id"]
    assert identity.sign(b"").hex() == vector["signature_of_empty"]


def test_invites_are_read_by_both_programs():
    vectors = VECTORS["invite.json"]
    for vector in vectors["invites"]:
        invite = Invite.from_text(vector["text"])
        read = {name: getattr(invite, name) for name in vector["fields"]}
        assert read == read_invite(vector["text"]) == vector["fields"]
        assert token_hash(invite.t) == vectors["token_hash"]


def test_the_exchange_by_a_code_follows_from_the_specification_alone():
    """Shares and keys again, with RFC 9382's formulas on libsodium's own functions."""
    vector = VECTORS["code.json"]
    order = 2**252 + 27742317777372353535851937790883648493
    label, number = b"jupyter-peer/1 code ", vector["code"].split("-")[0].encode()
    password = hashlib.sha512(label + vector["code"].encode()).digest()
    w = int.from_bytes(password, "big") % order
    assert f"{w:064x}" == vector["password"]

    def little(scalar: int) -> bytes:
        return (scalar % order).to_bytes(32, "little")

    def share(random: str, point: bytes) -> bytes:
        secret = little(int(random, 16))
        return bindings.crypto_core_ed25519_add(
            bindings.crypto_scalarmult_ed25519_base_noclamp(secret),
            bindings.crypto_scalarmult_ed25519_noclamp(little(w), point),
        )

    m = bytes.fromhex("d048032c6ea0b6d697ddc2e86bda85a33adac920f1bf18e1b0c6d166a5cecdaf")
    n = bytes.fromhex("d3bfb518f44f3430f29d0c92af503865a1ed3281dc69b35dd868ba85f886c4ab")
    p_a, p_b = share(vector["random_owner"], m), share(vector["random_guest"], n)
    assert p_b.hex() == vector["share"]
    bare = bindings.crypto_core_ed25519_sub(
        p_b, bindings.crypto_scalarmult_ed25519_noclamp(little(w), n)
    )
    x = int(vector["random_owner"], 16)
    common = bindings.crypto_scalarmult_ed25519_noclamp(little(8 * x), bare)
    parts = (b"", b"", p_a, p_b, common, w.to_bytes(32, "big"))
    transcript = b"".join(struct.pack("<Q", len(part)) + part for part in parts)
    digest = hashlib.sha256(transcript).digest()

    def derived(secret: bytes, info: bytes) -> bytes:
        key = hmac.digest(bytes(32), secret, "sha256")
        return hmac.digest(key, info + b"\x01", "sha256")

    confirm = derived(digest[16:], b"ConfirmationKeys" + label + number)
    by_owner = hmac.digest(confirm[:16], transcript, "sha256")
    by_guest = hmac.digest(confirm[16:], transcript, "sha256")
    assert (p_a + by_owner).hex() == vector["answer"]
    assert by_guest.hex() == vector["confirmation"]
    key = derived(digest[:16], label + b"invite")
    opened = AESGCM(key).decrypt(bytes(12), bytes.fromhex(vector["sealed_invite"]), None)
    assert opened.decode() == vector["invite"]


def test_directories_are_read_by_both_programs():
    vector = VECTORS["directory.json"]
    document, key = vector["document"], vector["directory_key"]
    directory = Directory.from_bytes(document.encode(), decode_public_key(key))
    for now in (make.TS, make.TS + 1, make.TS + 60):
        members = {
            node_id: list(member.groups)
            for node_id, member in directory.members.items()
            if directory.is_member(node_id, member.pk, now)
        }
        assert members == read_directory(document, key, now)
    with pytest.raises(HandError):
        read_directory(document.replace("lab-1", "lab-2"), key, make.TS)


def test_chains_are_written_and_read_by_both_programs():
    first, second = VECTORS["chain.json"]["chains"]
    read = []
    for vector in (first, second):
        nodes, root, proof = vector["fields"].values()
        chain = read_chain(nodes, root, [Hop(**hop) for hop in proof])
        check_chain(chain, vector["sender"], vector["asked"])
        assert check_chain_by_hand(*(vector[k] for k in ("fields", "sender", "asked"))) == nodes
        read.append(chain)
    begun = {"chain_root": first["fields"]["chain_root"]}
    assert extend_chain_by_hand(make.ADA_SEED, first["asked"], begun) == first["fields"]
    assert begin_chain(make.ADA, read[0].root, first["asked"]) == read[0]
    by_hand = extend_chain_by_hand(make.BOB_SEED, second["asked"], first["fields"])
    assert by_hand == second["fields"]
    assert extend_chain(read[0], make.BOB, second["asked"]) == read[1]


def test_envelopes_are_read_by_both_programs():
    vectors = VECTORS["envelope.json"]
    key = decode_public_key(vectors["src_key"])
    names = ("type", "msg_id", "re", "src", "ts", "data")
    for vector in vectors["envelopes"]:
        raw = vector["canonical"].encode()
        fields = {name: vector[name] for name in names}
        assert canonical_bytes(**fields) == canonical_of({**fields, "v": 1}) == raw
        verify(key, bytes.fromhex(vector["sig"]), raw)
        assert from_canonical(raw).data == arrived(vector["data"])
        plain = from_text(vector["unsealed_text"], max_bytes=1 << 20)
        assert (plain.canonical(), plain.sig.hex(), plain.ttl) == (raw, vector["sig"], 8)


@pytest.mark.parametrize("kind", ["sealed", "unsealed", "guest"])
@pytest.mark.parametrize("is_dialer", [True, False])
def test_the_handshake_is_written_and_read_by_the_hand_made_client(kind, is_dialer):
    """It is given the vectors' secrets, and writes what has the same meaning."""
    vector = VECTORS["handshake.json"][kind]
    link = VECTORS["handshake.json"]["guest_link"]
    guest = {"link": link["id"], "secret": link["secret"], "name": link["name"]}
    is_guest, is_sealed = kind == "guest", kind != "unsealed"
    frames = {
        name: text if kind == "unsealed" or name.startswith("hello") else bytes.fromhex(text)
        for name, text in vector.items()
        if name != "keys"
    }
    secret = [
        bytes.fromhex(json.loads(frames["hello" if is_dialer else "hello_ack"])["data"]["nonce"])
    ]
    if is_sealed:
        side = "x25519_dialer" if is_dialer else "x25519_acceptor"
        secret.append(bytes.fromhex(vector["keys"][side]))
    # an unsealed side also looks at the clock to see how old a frame is
    numbers = {
        ("sealed", True): [256, 257],
        ("unsealed", True): [256, 258],
        ("sealed", False): [512, 513],
        ("unsealed", False): [513, 514],
    }["sealed" if is_sealed else kind, is_dialer]
    drawn: list[int] = []

    def random(count: int) -> bytes:
        if secret:
            return secret.pop(0)
        drawn.append(numbers[len(drawn)])
        return struct.pack(">QQ", 0, drawn[-1])

    hand = HandPeer(
        make.ADA_SEED if is_dialer else make.BOB_SEED,
        is_dialer=is_dialer,
        name=("" if is_guest else "ada") if is_dialer else "bob",
        capabilities=("pane-buffers", "panes"),
        token=make.TOKEN if is_dialer and not is_guest else None,
        guest=guest if is_dialer and is_guest else None,
        offers_seal=is_sealed,
        allows_unsealed=kind == "unsealed",
        random=random,
        clock=lambda: make.TS + drawn[-1],
    )
    mine, theirs = ("hello", "auth"), ("hello_ack", "auth_result")
    if is_dialer:
        written = [*hand.start(), *hand.receive(frames["hello_ack"])]
        hand.receive(frames["auth_result"])
    else:
        mine, theirs = theirs, mine
        written = [*hand.receive(frames["hello"]), *hand.receive(frames["auth"])]
        assert hand.got_token == (None if is_guest else make.TOKEN)
        assert hand.got_guest == (guest if is_guest else None)
    assert hand.is_ready
    if is_sealed:
        assert hand._session == vector["keys"]["session"]
        # sealed frames hold canonical bytes alone, so they are the same to the last bit
        assert written[1] == frames[mine[1]]
    for frame, name in zip(written, mine, strict=True):
        if isinstance(frame, str):
            ours, golden = json.loads(frame), json.loads(frames[name])
            assert canonical_of(ours) == canonical_of(golden)
            assert ours["sig"] == golden["sig"]


def test_the_keys_open_the_sealed_frames():
    vector = VECTORS["handshake.json"]["sealed"]
    for name, key in (("auth", "dialer_to_acceptor"), ("auth_result", "acceptor_to_dialer")):
        key_bytes = bytes.fromhex(vector["keys"][key])
        inner = AESGCM(key_bytes).decrypt(bytes(12), bytes.fromhex(vector[name]), None)
        _, part = read_envelope(inner)
        envelope = from_canonical(part.canonical)
        assert (envelope.type, envelope.data["session"]) == (name, vector["keys"]["session"])


def test_frames_are_read():
    vectors = VECTORS["frames.json"]
    key = base64.b64decode(vectors["src_key"])
    buffers = [bytes.fromhex(buffer) for buffer in vectors["buffers"]]
    for name, expected in (("envelope", []), ("envelope_with_buffers", buffers)):
        sig, part = read_envelope(bytes.fromhex(vectors[name]))
        verify(key, sig, part.canonical)
        assert list(part.buffers) == expected
    sig, parts = read_batch(bytes.fromhex(vectors["batch"]))
    verify(key, sig, bytes.fromhex(vectors["batch_signs"]))
    hashes = b"".join(hashlib.sha256(part.canonical).digest() for part in parts)
    assert bytes.fromhex(vectors["batch_signs"]) == b"jupyter-peer/1 batch" + hashes
    check_digests(from_canonical(parts[1].canonical).data["buffers"], parts[1].digests)
    credit = vectors["credit"]
    assert read_credit(bytes.fromhex(credit["frame"])) == credit["consumed"]


def test_fragments_are_put_together():
    vector = VECTORS["frames.json"]["fragments"]
    block = bytes(number % 251 for number in range(130_000))
    canonical = vector["canonical"].encode()
    sig = Identity.from_seed(make.ADA_SEED).sign(canonical)
    whole = b"\0" + struct.pack(">I", len(canonical)) + canonical + sig
    whole += struct.pack(">BIQ", 8, 1, len(block)) + block
    assembler = Assembler(1 << 20)
    at = 0
    for header, size, digest in zip(
        vector["headers"], vector["sizes"], vector["sha256"], strict=True
    ):
        piece = bytes.fromhex(header) + whole[at : at + size - 6]
        assert hashlib.sha256(piece).hexdigest() == digest
        at += size - 6
        assembled = assembler.add(piece)
    assert assembled is not None
    assert bytes(assembled.envelope()[1].buffers[0]) == block


def test_a_session_goes_on_where_the_handshake_ended():
    keys = VECTORS["handshake.json"]["sealed"]["keys"]
    opener = Opener(bytes.fromhex(keys["dialer_to_acceptor"]))
    opener.open(bytes.fromhex(VECTORS["handshake.json"]["sealed"]["auth"]))
    ada, bob = Identity.from_seed(make.ADA_SEED), Identity.from_seed(make.BOB_SEED)
    channel = SealedChannel(
        bob,
        ada.node_id,
        ada.public_key,
        Sealer(bytes.fromhex(keys["acceptor_to_dialer"])),
        opener,
    )
    for turn in VECTORS["session.json"]["turns"]:
        got = [
            envelope.data["n"]
            for frame in turn["frames"]
            for envelope in channel.receive(bytes.fromhex(frame), make.TS)
        ]
        assert got == turn["n"]


def test_frames_of_a_group_open_in_both_implementations_and_with_their_own_key_alone():
    vector = VECTORS["group.json"]
    owner, public_key = vector["owner"], base64.b64decode(vector["owner_key"])
    first, second = vector["epochs"]
    for epoch, other in ((first, second), (second, first)):
        ours = GroupOpener(owner, public_key, msgspec.convert(epoch["key"], GroupKey))
        for n, sealed in enumerate(epoch["sealed"]):
            frame = bytes.fromhex(sealed["frame"])
            message = open_of_group(epoch["key"], owner, public_key, frame, n)
            assert message.canonical.decode() == sealed["canonical"]
            assert ours.open(frame).data == message.data
            with pytest.raises(HandError):
                open_of_group(other["key"], owner, public_key, frame)
            with pytest.raises(HandError):
                open_of_group(epoch["key"], owner, public_key, frame, n + 1)
