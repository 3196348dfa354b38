"""Which server a command talks to, without any server."""

import json
import os
import subprocess
import sys

import pytest

from jupyter_peer.commands.servers import (
    choose_server,
    is_page_of,
    is_running,
    running_servers,
)
from jupyter_peer.errors import AmbiguousServerError, NoServerError
from jupyter_peer.server.control.runtime_file import RunningServer, write_runtime_file


def server(url="http://127.0.0.1:8888/", pid=1, secret="s"):
    return RunningServer(url=url, secret=secret, pid=pid, node_id="n" * 16, data_dir="/x")


ADA = server("http://127.0.0.1:8888/ada/", 11, "of ada")
BOB = server("http://127.0.0.1:8889/", 12, "of bob")


def choose(servers, url="", pid=0, environment=()):
    return choose_server(servers, url, pid, dict(environment))


@pytest.fixture
def ended_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_only_server_is_taken():
    assert choose([ADA]) == (ADA.url, "of ada", None)


def test_a_servers_own_certificate_is_known():
    with_tls = RunningServer(
        url="https://127.0.0.1:1/", secret="s", pid=1, node_id="n", data_dir="/x", certificate="/c"
    )
    assert choose([with_tls]).certificate == "/c"


def test_without_a_server_the_hint_says_how_to_start_one():
    with pytest.raises(NoServerError) as raised:
        choose([])
    assert "jupyter lab" in raised.value.hint


def test_of_several_none_is_guessed_and_all_are_listed():
    with pytest.raises(AmbiguousServerError) as raised:
        choose([ADA, BOB])
    assert ADA.url in raised.value.hint
    assert "(pid 12)" in raised.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8888/ada/",
        "http://127.0.0.1:8888/ada",
        "http://localhost:8888/ada/lab/tree/a.ipynb?token=1234",
        "localhost:8888/ada",
    ],
)
def test_any_url_of_a_server_chooses_it(url):
    assert choose([ADA, BOB], url=url)[1] == "of ada"


def test_a_process_id_chooses_a_server():
    assert choose([ADA, BOB], pid=12)[1] == "of bob"


@pytest.mark.parametrize("choice", [{"url": "http://127.0.0.1:1/"}, {"pid": 99}, {"url": "::"}])
def test_a_choice_that_fits_none_says_which_there_are(choice):
    with pytest.raises(NoServerError) as raised:
        choose([ADA, BOB], **choice)
    assert BOB.url in raised.value.hint


def test_in_a_notebook_the_notebooks_own_server_is_meant():
    environment = {"JUPYTER_PEER_URL": ADA.url}
    assert choose([ADA, BOB], environment=environment) == (ADA.url, "of ada", None)
    assert choose([ADA, BOB], pid=12, environment=environment)[1] == "of bob"


def test_in_a_notebook_no_other_server_stands_in_for_its_own():
    with pytest.raises(NoServerError) as raised:
        choose([BOB], environment={"JUPYTER_PEER_URL": ADA.url})
    assert ADA.url in raised.value.message


def test_a_base_url_is_no_prefix_of_a_longer_name():
    assert not is_page_of("http://h:1/ada2/lab", "http://h:1/ada/")
    assert is_page_of("http://h/ada/lab", "http://h:80/ada/")
    assert not is_page_of("http://h:99999999/", "http://h/")


def test_what_a_dead_server_left_is_passed_over(tmp_path, ended_pid):
    write_runtime_file(tmp_path, server(pid=ended_pid))
    alive = server(pid=os.getpid())
    write_runtime_file(tmp_path, alive)
    assert running_servers(tmp_path) == [alive]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", json.dumps({"pid": "x"}).encode()])
def test_a_damaged_file_is_passed_over(tmp_path, content):
    (tmp_path / "jupyter-peer-1.json").write_bytes(content)
    assert running_servers(tmp_path) == []


def test_a_directory_that_is_not_there_has_no_servers(tmp_path):
    assert running_servers(tmp_path / "none") == []


@pytest.mark.parametrize(("pid", "runs"), [(0, False), (-1, False), (2**70, False), (1, True)])
def test_odd_process_ids_are_no_processes(pid, runs):
    assert is_running(pid) is runs
