"""The REST routes on one server."""

from __future__ import annotations

import json
import re
import time

from hypothesis import HealthCheck, given, settings, strategies as st

from jupyter_peer.control.table import OPERATIONS
from jupyter_peer.errors import InviteMalformedError
from jupyter_peer.wire.invite import Invite, make_token
from jupyter_peer.wire.link.identity import Identity

ROUTES: dict[str, set[str]] = {}
for row in OPERATIONS.values():
    if row.rest:
        ROUTES.setdefault(re.sub(r"\{\w+\}", "x", row.path), set()).add(row.method)
WITH_BODY = [
    (method, path) for path, methods in ROUTES.items() for method in methods & {"POST", "PATCH"}
]


def is_error(answer, code=None):
    return (
        set(answer.json) - {"message_phrase", "hint_phrase"} == {"code", "message", "hint"}
        and answer.headers["Content-Type"].startswith("application/json")
        and answer.json["code"] == (code or answer.json["code"])
        and bool(answer.json["hint"])
    )


def stranger(**fields):
    """An invite of nobody, which nothing listens to."""
    identity = Identity.from_seed(b"s" * 32)
    return Invite(
        **{
            "v": 1,
            "id": identity.node_id,
            "pk": identity.public_key_b64,
            "t": make_token(b"t" * 16),
            "a": ["ws://127.0.0.1:1/peer-ws"],
            "x": time.time() + 60,
            **fields,
        }
    ).to_text()


async def test_identity_says_who_this_node_is(call, extension):
    answer = await call("GET", "identity")
    assert answer.code == 200
    hub = extension.context.running.operations.hub
    assert answer.json["node_id"] == hub.node_id
    assert answer.json["node_name"] == "ada"
    assert answer.json["public_key"] == hub.identity.public_key_b64
    assert "panes" in answer.json["capabilities"]
    assert answer.json["addresses"][-1].endswith("/a%40b/peer-ws")


async def test_the_name_can_be_set(call):
    answer = await call("PATCH", "identity", {"name": "Ada Lovelace"})
    assert (answer.code, answer.json["node_name"]) == (200, "Ada Lovelace")
    assert (await call("PATCH", "identity", {"name": "\n"})).code == 400


async def test_peers_tells_self_and_nobody_yet(call):
    answer = await call("GET", "peers")
    assert answer.json["peers"] == []
    assert answer.json["self"] == (await call("GET", "identity")).json


async def test_nodes_that_were_found_are_listed_and_can_be_named_but_not_let_in(call, extension):
    assert (await call("GET", "peers")).json["found"] == []
    hub = extension.context.running.operations.hub
    eve = Identity.from_seed(b"e" * 32).node_id
    mallory = Identity.from_seed(b"m" * 32).node_id
    hub.found("lan", eve, "<b>eve</b>", ["ws://127.0.0.1:1/peer-ws"])
    assert (await call("GET", "peers")).json["found"] == [
        {
            "node_id": eve,
            "node_name": "<b>eve</b>",
            "source": "lan",
            "addresses": ["ws://127.0.0.1:1/peer-ws"],
        }
    ]
    for name in (eve, "<B>Eve</b>"):
        assert is_error(await call("POST", "connect", {"node_id": name}), "unreachable")
    assert is_error(await call("POST", "connect", {"node_id": "nobody"}), "unknown_peer")
    hub.found("lobby", mallory, "<b>eve</b>", ["ws://127.0.0.1:1/peer-ws"])
    answer = await call("POST", "connect", {"node_id": "<b>eve</b>"})
    assert is_error(answer, "ambiguous_peer")
    assert eve in answer.json["message"]
    for source, node_id in (("lan", eve), ("lobby", mallory)):
        hub.lost(source, node_id)
    assert (await call("GET", "peers")).json["found"] == []


async def test_an_invite_is_minted_listed_and_revoked(call):
    minted = await call("POST", "invite", {"ttl_s": 60, "note": "for bob"})
    assert minted.code == 200
    assert set(minted.json) == {"invite", "id", "expires", "local_only"}
    assert Invite.from_text(minted.json["invite"]).x == minted.json["expires"]
    (listed,) = (await call("GET", "invites")).json["invites"]
    assert (listed["id"], listed["note"], listed["status"]) == (
        minted.json["id"],
        "for bob",
        "open",
    )
    token = Invite.from_text(minted.json["invite"]).t
    assert token not in json.dumps(listed)
    assert (await call("DELETE", f"invites/{minted.json['id']}")).code == 200
    (listed,) = (await call("GET", "invites")).json["invites"]
    assert listed["status"] == "revoked"


async def test_an_invite_needs_no_body(call):
    answer = await call("POST", "invite")
    assert answer.code == 200
    assert 23 * 3600 < answer.json["expires"] - time.time() < 25 * 3600


async def test_a_value_that_does_not_fit_is_told_by_the_name_of_its_field(call):
    answer = await call("POST", "ask-peer", {"peer_id": "x", "prompt": "y", "agent": "a b"})
    assert answer.json["message"] == "agent: it has characters that are not allowed"
    answer = await call("GET", "audit", params={"limit": "0"})
    assert answer.json["message"].startswith("limit: expected")


async def test_an_invite_of_no_sensible_life_is_refused(call):
    for ttl_s in (0, -1, 31 * 24 * 3600, 1e300, "60", True, [], {}):
        answer = await call("POST", "invite", {"ttl_s": ttl_s})
        assert answer.code == 400, ttl_s
        assert is_error(answer, "bad_request")


async def test_a_trailing_slash_does_not_matter(call):
    assert (await call("GET", "peers/")).code == 200


async def test_metrics_and_audit_have_their_shapes(call):
    assert (await call("GET", "metrics")).json == {"peers": {}}
    answer = await call("GET", "audit", params={"limit": "5"})
    assert isinstance(answer.json["audit"], list)


async def test_a_limit_that_is_none_is_refused(call):
    for limit in ("0", "-1", "x", "1.5", "9" * 5000, "10001"):
        answer = await call("GET", "audit", params={"limit": limit})
        assert answer.code == 400, limit
        assert is_error(answer, "bad_request")


async def test_pairing_with_no_invite_is_answered_with_its_error(call):
    answer = await call("POST", "pair", {"invite": "hello"})
    assert answer.code == 200
    assert answer.json["ok"] is False
    assert answer.json["error"] == {
        "code": "invite_malformed",
        "message": InviteMalformedError.text,
        "hint": InviteMalformedError.advice,
    }


async def test_pairing_with_oneself_is_answered_with_its_error(call):
    invite = (await call("POST", "invite")).json["invite"]
    answer = await call("POST", "pair", {"invite": invite})
    assert (answer.code, answer.json["ok"]) == (200, False)
    assert answer.json["error"]["code"] == "own_node"


async def test_pairing_with_nobody_is_answered_with_its_error(call):
    for fields, code in (({"x": 1.0}, "invite_expired"), ({}, "unreachable"), ({"a": []}, None)):
        answer = await call("POST", "pair", {"invite": stranger(**fields)})
        assert (answer.code, answer.json["ok"]) == (200, False)
        assert answer.json["error"]["code"] == (code or answer.json["error"]["code"])


async def test_a_request_to_pair_of_the_wrong_form_is_refused(call):
    for body in ({}, {"invite": 5}, {"invite": None}, {"invite": ["a"]}):
        answer = await call("POST", "pair", body)
        assert answer.code == 400, body
        assert is_error(answer, "bad_request")


CONNECTS = [
    ({}, 400, "bad_request"),
    ({"node_id": "a", "address": "b"}, 400, "bad_request"),
    ({"node_id": "nobody"}, 404, "unknown_peer"),
    ({"address": "127.0.0.1:1"}, 424, "unreachable"),
    ({"address": "http://u:p@x/"}, 400, "bad_address"),
    ({"address": "ftp://x"}, 400, "bad_address"),
    ({"address": "a b"}, 400, "bad_address"),
    ({"address": 5}, 400, "bad_request"),
]


async def test_connecting_to_nobody_is_refused(call):
    for body, status, code in CONNECTS:
        answer = await call("POST", "connect", body)
        assert answer.code == status, (body, answer)
        assert is_error(answer, code), (body, answer)


MISSING = [
    ("DELETE", "peers/nobody", None, 404, "unknown_peer"),
    ("PATCH", "peers/nobody", {"alias": "x"}, 404, "unknown_peer"),
    ("PATCH", "peers/nobody", {}, 404, "unknown_peer"),
    ("PATCH", "peers/nobody", {"blocked": "yes"}, 400, "bad_request"),
    ("DELETE", "invites/ffffffff", None, 404, "lookup"),
    ("DELETE", "panes/loss", None, 404, "unknown_pane"),
    ("PATCH", "panes/loss", {"peer": "x", "grant": "view"}, 404, None),
    ("PATCH", "panes/loss", {"peer": "x", "grant": "all"}, 400, "bad_request"),
    ("PATCH", "panes/loss", {}, 400, "bad_request"),
    ("POST", "panes", {"name": "loss"}, 400, "bad_request"),
    ("POST", "panes", {"name": "loss", "cell": "1"}, 400, "bad_request"),
    ("POST", "panes", {"name": "loss", "cell": "1", "kernel_id": "k"}, 404, "kernel_gone"),
    ("POST", "panes", {"name": "loss", "cell_id": "1", "kernel_id": "k"}, 404, "kernel_gone"),
    ("POST", "panes", {"name": "l", "cell_id": "1", "display": "d"}, 400, "bad_request"),
    ("POST", "panes", {"name": "l", "notebook": True, "kernel_id": "k"}, 404, "kernel_gone"),
    ("POST", "panes", {"name": "l", "notebook": True, "display": "d"}, 400, "bad_request"),
    ("POST", "panes", {"name": "l", "display": "d", "output": 0}, 400, "bad_request"),
]


async def test_what_is_not_there_is_refused_with_its_code(call):
    for method, path, body, status, code in MISSING:
        answer = await call(method, path, body)
        assert answer.code == status, (method, path, body, answer)
        assert is_error(answer, code), (method, path, body, answer)


async def test_every_other_method_is_405(call):
    for path, methods in ROUTES.items():
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW"} - methods:
            answer = await call(method, path, body=None if method in ("GET", "HEAD") else "{}")
            assert answer.code == 405, (method, path, answer)
            if method != "HEAD":
                assert is_error(answer, "bad_request")
            assert set(answer.headers["Allow"].split(", ")) == methods | {"OPTIONS"}


async def test_any_other_url_is_404(call):
    for path in ("", "nothing", "peers/a/b", "invite/x", "../api/none"):
        for method in ("GET", "POST", "DELETE"):
            answer = await call(method, path, body="{}" if method == "POST" else None)
            assert answer.code == 404, (method, path, answer)
            assert is_error(answer, "lookup")


BODIES = [
    b"{",
    b"\xff\xfe",
    b"null",
    b"[]",
    b'"text"',
    b"5",
    b"NaN",
    b'{"a": 1e999}',
    b'{"a": "\\ud800"}',
    b"[" * 100_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
]


async def test_a_body_that_is_no_json_object_is_refused(call):
    for method, path in WITH_BODY:
        for body in BODIES:
            answer = await call(method, path, body)
            assert answer.code == 400, (method, path, body[:20], answer)
            assert is_error(answer, "bad_request")


async def test_a_huge_body_is_refused(call):
    for method, path in WITH_BODY:
        answer = await call(method, path, json.dumps({"name": "x" * 2_000_000}))
        assert answer.code == 413, (method, path)
        assert is_error(answer, "too_large")


async def test_a_url_that_is_not_utf8_is_refused(
    jp_fetch, call, http_server_client, jp_base_url, jp_auth_header
):
    for url in (
        "peers/%ff",
        "invites/%ff%fe",
        "panes/%00",
        "audit?limit=%ff",
        "peers?no_track_activity=%ff",
        "peers?token=%ff",
    ):
        response = await http_server_client.fetch(
            f"{jp_base_url}jupyter-peer/api/{url}",
            method="DELETE" if "/" in url else "GET",
            headers=jp_auth_header,
            raise_error=False,
        )
        assert response.code < 500, url
        if response.code != 200:
            assert {"code", "message", "hint"} <= set(json.loads(response.body))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = ["name", "title", "with", "grant", "grants", "kernel_id", "cell", "display", "peer", "alias",
         "blocked", "invite", "address", "node_id", "ttl_s", "note", "id"]  # fmt: skip


def test_nothing_a_caller_sends_makes_a_5xx(call, jp_asyncio_loop):
    @settings(max_examples=300, suppress_health_check=list(HealthCheck))
    @given(
        method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]),
        route=st.sampled_from(sorted({path.split("/")[0] for path in ROUTES} - {"doctor"})),
        rest=st.none() | st.text(min_size=1, max_size=30),
        body=st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), json_values, max_size=5)
        | json_values,
        query=st.dictionaries(st.sampled_from(["limit", "x"]), st.text(max_size=10), max_size=2),
    )
    def send(method, route, rest, body, query):
        if route == "connect" and isinstance(body, dict):
            body.pop("address", None)  # a name would be looked up
        path = route if rest is None else f"{route}/{rest.encode('utf-8', 'replace').decode()}"
        sent = None if method in ("GET", "DELETE") else json.dumps(body)
        answer = jp_asyncio_loop.run_until_complete(call(method, path, sent, params=query))
        assert answer.code < 500, answer

    send()
