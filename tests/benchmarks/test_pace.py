"""The slow page of U3 takes one change an interval, and no more are sent to it meanwhile."""

from __future__ import annotations

import asyncio
import json

from benchmarks.pace import SlowPage
from tests.machine.waiting import PATIENCE_S, until


class Server:
    """The control socket of a server that sends two changes and waits, as the real one does."""

    def __init__(self):
        self.acks = []

    def subscribe(self, event, callback):
        assert event == "pane"
        self.tell_page = callback
        return lambda: None

    async def request(self, op, params):
        assert (op, params) == ("open", {"peer": "ada", "name": "u3"})
        return {"watch": 1, "state": {"epoch": "e", "rev": 0, "outputs": []}}

    def tell(self, op, params):
        self.acks.append((op, params["rev"]))

    def show(self, number, at):
        text = json.dumps({"number": number, "at": at})
        content = {"data": {"text/plain": text}, "metadata": {}, "transient": {}}
        messages = [
            {"msg_type": "clear_output", "content": {"wait": True}},
            {"msg_type": "display_data", "content": content},
        ]
        self.tell_page({"watch": 1, "epoch": "e", "rev": number, "messages": messages})


async def test_a_change_is_acknowledged_when_the_page_is_done_with_it_and_then_comes_the_next():
    server = Server()
    page = SlowPage(server, "ada", interval_s=0.05)
    await page.open()
    try:
        server.show(1, 100.0)
        server.show(2, 200.0)
        await until(lambda: page.newest)
        assert page.newest["number"] == 1
        assert server.acks == []
        await asyncio.wait_for(page.until(2), PATIENCE_S)
        assert server.acks == [("ack", 1)]
        await until(lambda: server.acks == [("ack", 1), ("ack", 2)])
        assert page.most_waiting == 2
        first, second = page.ages_s
        assert 99 < first - second < 100.5
    finally:
        await page.close()


async def test_what_says_nothing_of_outputs_is_no_change():
    server = Server()
    page = SlowPage(server, "ada")
    server.tell_page({"watch": 1, "info": {"rtt_ms": 1.0}})
    assert page.most_waiting == 0
    await page.close()
