"""Runs checks concurrently; a check that hangs or fails becomes one finding and stops no other."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ..findings import Finding, failed
from ..phrase import phrase

log = logging.getLogger(__name__)

CHECK_TIMEOUT_S = 12.0

Findings = Sequence[Finding]
Report = Callable[[dict[str, Any]], None]
Check = Callable[[], Findings | Awaitable[Findings]]


async def examine(
    checks: Mapping[str, Check],
    timeout: float = CHECK_TIMEOUT_S,
    report: Report = lambda step: None,
) -> list[Finding]:
    """Run all checks concurrently and return their findings, in the order of the checks.

    Args:
        checks: By name; each returns its findings or a coroutine that does.
        timeout: Seconds each may take.
        report: Receives the number of finished checks, as a step of progress.
    """
    done = 0

    async def run(name: str, check: Check) -> Findings:
        nonlocal done
        findings = await _run(name, check, timeout)
        done += 1
        is_last = done == len(checks)
        said = phrase("{done} of {all} checks are done", done=done, all=len(checks))
        report(
            {
                "step": "doctor",
                "address": "",
                "ok": is_last or None,
                "message": str(said),
                "message_phrase": said,
            }
        )
        return findings

    found = await asyncio.gather(*(run(name, check) for name, check in checks.items()))
    return [finding for findings in found for finding in findings]


async def _run(name: str, check: Check, timeout: float) -> Findings:
    try:
        result = check()
        if inspect.isawaitable(result):
            async with asyncio.timeout(timeout):
                return await result
        return result
    except TimeoutError:
        return [
            failed(name, phrase("No answer arrived within {timeout:g} s.", timeout=timeout), None)
        ]
    except Exception as error:
        log.exception("the check %s failed", name)
        return [
            failed(
                name,
                phrase("The check itself failed with {kind}.", kind=type(error).__name__),
                phrase("read the details in the server's log"),
            )
        ]
