"""Secrets of kernels and the command line."""

from __future__ import annotations

from jupyter_peer.server.control.secrets import COMMAND_LINE, Caller, Secrets, is_secret_header


def test_a_secret_says_who_calls():
    secrets = Secrets()
    kernel = Caller("kernel", "k1")
    first, second = secrets.mint(COMMAND_LINE), secrets.mint(kernel)
    assert first != second
    assert secrets.caller(first) == COMMAND_LINE
    assert secrets.caller(second) == kernel
    assert secrets.caller_of_header(f"peer-secret {second}") == kernel
    assert secrets.caller_of_header(f"Peer-Secret  {second} ") == kernel


def test_anything_else_says_nobody():
    secrets = Secrets()
    secret = secrets.mint(COMMAND_LINE)
    for wrong in ("", " ", secret[1:], secret + "=", "\ud800", "é" * 43, secret.swapcase()):
        assert secrets.caller(wrong) is None
    for header in ("", secret, f"token {secret}", "peer-secret", f"peer-secret{secret}"):
        assert secrets.caller_of_header(header) is None


def test_a_kernel_has_one_secret_and_it_ends_with_the_kernel():
    alive = {"k1"}
    secrets = Secrets(lambda kernel_id: kernel_id in alive)
    old = secrets.mint(Caller("kernel", "k1"))
    secret = secrets.mint(Caller("kernel", "k1"))
    assert secrets.caller(old) is None
    secrets.kernel_started("k1")
    assert secrets.caller(secret)
    alive.clear()
    assert secrets.caller(secret) is None
    alive.add("k1")
    assert secrets.caller(secret) is None


def test_a_kernel_may_call_before_jupyter_knows_that_it_is_up():
    secrets = Secrets(lambda kernel_id: False)
    assert secrets.caller(secrets.mint(Caller("kernel", "k1")))


def test_the_scheme_alone_makes_it_a_secret_header():
    assert is_secret_header("peer-secret wrong")
    assert is_secret_header("PEER-SECRET")
    assert not is_secret_header("token x")
    assert not is_secret_header("")
