"""P11 and P12: the cost of an idle node, and of imports when a server or notebook starts."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from jupyter_peer.errors import NoServerError

from .figures import Figure, figure, held, median
from .node import start_node
from .server_process import ServerProcess
from .workbench import Workbench

MIB = 1024 * 1024
#: First the imports of every Jupyter server, then, timed, all imports of a starting node.
SERVER = """
import time, jupyter_server.serverapp, jupyter_server.services.contents.largefilemanager
import jupyter_server.services.kernels.handlers
begun = time.perf_counter()
import jupyter_peer.app, jupyter_peer.server.start
print(time.perf_counter() - begun)
"""
#: The same for a kernel.
_NOTEBOOK = """
import time, ipykernel.kernelapp, ipykernel.ipkernel, ipykernel.zmqshell
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
begun = time.perf_counter()
shell.run_line_magic("load_ext", "jupyter_peer")
print(time.perf_counter() - begun)
"""


async def idle(bench: Workbench) -> list[Figure]:
    """P11: CPU and memory of a server with a node that has one peer, beside a plain server."""
    seconds = 60.0 if not bench.quick else 1.0
    async with AsyncExitStack() as stack:
        servers = [
            ServerProcess(bench.folder / name, has_peer)
            for name, has_peer in (("with-peer", True), ("plain", False))
        ]
        for server in servers:
            stack.push_async_callback(server.stop)
        bench.step("starts two Jupyter servers", 0.0)
        await asyncio.gather(*(server.start() for server in servers))
        node = await start_node(bench.folder, "friend")
        stack.push_async_callback(node.close)
        await _pair(servers[0], node.invite())
        processes = [server.watched() for server in servers]
        for step in range(20):  # work that remains after the start
            bench.step("lets them settle", step / 20)
            await asyncio.sleep(seconds / 120)
        before = [sum(process.cpu_times()[:2]) for process in processes]
        for step in range(20):
            bench.step(f"watches them do nothing for {seconds:.0f} s", step / 20)
            await asyncio.sleep(seconds / 20)
        cpu = [
            (sum(process.cpu_times()[:2]) - at) / seconds * 100
            for process, at in zip(processes, before, strict=True)
        ]
        memory = [process.memory_info().rss / MIB for process in processes]
    name = "plain Jupyter Server"
    return [
        figure("P11 idle node, CPU", "%", cpu[0], cpu[1], name),
        figure("P11 idle node, CPU above plain", "%", cpu[0] - cpu[1], None, "", held(0.03, "%")),
        figure("P11 idle node, memory", "MiB", memory[0], memory[1], name),
        figure(
            "P11 idle node, memory above plain",
            "MiB",
            memory[0] - memory[1],
            None,
            "",
            held(18, "MiB"),
        ),
    ]


async def _pair(server: ServerProcess, invite: str) -> None:
    from jupyter_peer.server_client.client import Client

    def pair() -> None:
        running = server.running
        with Client(running.url, running.secret) as client:
            client.pair(invite)

    await asyncio.to_thread(pair)


async def imports(bench: Workbench) -> list[Figure]:
    """P12: seconds that imports add to the start of a server, and to ``%load_ext``.

    Every module is compiled before the first round, as after an installation or a first start.
    """
    compiled = bench.folder / "bytecode"
    programs = {"server start": SERVER, "%load_ext": _NOTEBOOK}
    for name, code in programs.items():
        bench.step(f"compiles for {name}", 0.0)
        await timed(code, compiled)
    times = await bench.alternate(
        {name: partial(timed, code, compiled) for name, code in programs.items()},
        rounds=bench.pick(7, 1),
    )
    return [
        figure(f"P12 import time, {name}", "ms", median(times[name]) * 1e3, goal=held(bound, "ms"))
        for name, bound in (("server start", 71.0), ("%load_ext", 9.0))
    ]


async def timed(code: str, compiled: Path) -> float:
    """Run Python and return the number it prints last.

    Args:
        code: The program.
        compiled: Folder for the bytecode.

    Raises:
        NoServerError: The program fails.
    """
    # Without a writable folder, each round would compile a checkout again.
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode != 0:
        raise NoServerError(
            f"the imports fail: {err.decode(errors='replace')[-300:]}",
            hint="run the benchmark in the environment in which jupyter-peer is installed",
        )
    return float(out.split()[-1])
