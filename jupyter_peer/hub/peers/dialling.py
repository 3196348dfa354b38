"""Dials one peer: on request, again and again while it is away, and by better paths than now."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Iterator
from typing import Protocol

from ...errors import DuplicateLinkError, NotConnectedError, PeerError, RefusedError
from ...primitives import background
from ...primitives.backoff import Backoff
from ...primitives.pauses import pause_until
from ..links.connector import Connector, Progress, Target
from ..local_node import LocalNode

log = logging.getLogger(__name__)

# A link that both sides dialled is there within this, or it is dialled again.
DUPLICATE_WAIT_S = 0.2
# Refusals that a second attempt would not change.
_FINAL_REFUSALS = ("not_trusted", "blocked", "key_changed")


class Destination(Protocol):
    """A peer, as far as dialling needs it."""

    @property
    def node_id(self) -> str:
        """Its id."""

    def is_connected(self) -> bool:
        """Return whether there is a live link to it."""

    def may_be_dialled(self) -> bool:
        """Return whether this node may connect to it by itself."""

    def target(self) -> Target:
        """Return where and how to dial it."""

    def better_target(self) -> Target | None:
        """Return how to dial better paths than the one in use; None when there is none."""


class Dialling:
    """The attempts to connect to one peer.

    Args:
        peer: The peer.
        local: This node.
        connector: Does the handshakes.

    Attributes:
        error: Why the last attempt failed; None after one that succeeded.
        is_wanted: Whether this node reconnects by itself.
    """

    def __init__(self, peer: Destination, local: LocalNode, connector: Connector) -> None:
        config, clock = local.config, local.clock
        self.error: PeerError | None = None
        self.is_wanted = True
        self._peer = peer
        self._local = local
        self._connector = connector
        self._under_way = 0
        self._authenticating = 0
        self._is_closed = False
        self._is_up = asyncio.Event()
        self._retry: asyncio.Task[None] | None = None
        self._backoff = Backoff(config.backoff_s, config.max_backoff_s, clock.jitter)
        self._hurry = asyncio.Event()
        self._hurried_at = -math.inf
        self._upgrade_at = -math.inf
        self._upgrades = Backoff(config.upgrade_s, config.max_upgrade_s, clock.jitter)

    @property
    def is_under_way(self) -> bool:
        """Whether this node dials the peer at the moment."""
        return self._under_way > 0

    @property
    def is_authenticating(self) -> bool:
        """Whether the peer has answered a dial of this node and may have accepted it already."""
        return self._authenticating > 0

    @property
    def is_resting(self) -> bool:
        """Whether nothing dials the peer again and again."""
        return self._retry is None or self._retry.done()

    # On request.

    async def dial(self, target: Target | None = None, on_progress: Progress | None = None) -> None:
        """Connect, or find that the peer has connected by itself meanwhile.

        Args:
            target: Where and how; None for all that is known.
            on_progress: Called for each path that is tried.

        Raises:
            PeerError: Why that failed.
        """
        clock, config = self._local.clock, self._local.config
        deadline = clock.monotonic() + config.handshake_timeout_s
        while True:
            with contextlib.suppress(DuplicateLinkError):
                return await self._dial_once(target or self._peer.target(), on_progress)
            # The peer dialled at the same moment, and its link is the one that stays. But that link
            # may break before it is here, and then only this side can dial again.
            if not await pause_until(self._is_up, DUPLICATE_WAIT_S * clock.jitter()):
                log.debug("%s dialled too, but is not connected yet", self._peer.node_id)
            if self._peer.is_connected():
                return None
            if clock.monotonic() >= deadline:
                raise NotConnectedError

    async def _dial_once(self, target: Target, on_progress: Progress | None) -> None:
        try:
            with self._counted():
                self._local.tell("peer", self._peer.node_id)
                await self._connector.dial(target, on_progress)
        except DuplicateLinkError:
            raise
        except PeerError as error:
            if self._peer.is_connected():
                return  # it connected by itself meanwhile
            self.error = error
            raise
        finally:
            self._local.tell("peer", self._peer.node_id)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    @contextlib.contextmanager
    def authenticating(self) -> Iterator[None]:
        """Mark the end of a dial, by whatever address: the peer may have accepted it already."""
        self._authenticating += 1
        try:
            yield
        finally:
            self._authenticating -= 1

    # Again and again.

    def keep_connected(self) -> None:
        """Dial the peer while it is away, with growing pauses."""
        if self._is_closed or not self._peer.may_be_dialled():
            return
        self.is_wanted = True
        if self.is_resting:
            self._backoff.reset()
            self._hurry.clear()
            self._retry = background.start(self._redial(), "dialling a peer again")
        else:
            self._hurry.set()

    def hurry(self) -> None:
        """End the pause before the next attempt, if one is due at all."""
        self._backoff.reset()
        self._hurry.set()

    def found(self) -> None:
        """Dial soon: the peer was found somewhere.

        Anybody can claim to have found it, so this has an effect only every few seconds.
        """
        now = self._local.clock.monotonic()
        if now - self._hurried_at >= self._local.config.upgrade_s:
            self._hurried_at = now
            self._backoff.reset()
            self.keep_connected()

    def want(self) -> None:
        """Allow this node to reconnect by itself again, after :meth:`let_go`."""
        self.is_wanted = True

    def let_go(self) -> None:
        """Stop dialling the peer until somebody asks for it."""
        self.is_wanted = False
        self.rest()

    def rest(self) -> None:
        """Stop dialling the peer until :meth:`keep_connected`."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    async def _redial(self) -> None:
        # A cancellation is not enough: on Python 3.11 a library that dials may swallow it.
        own = asyncio.current_task()
        while not self._peer.is_connected() and self.is_wanted and self._retry is own:
            await pause_until(self._hurry, self._backoff.next())
            self._hurry.clear()
            if self._peer.is_connected():
                return
            try:
                await self.dial()
            except RefusedError as error:
                self.error = error
                if error.code in _FINAL_REFUSALS:
                    log.info("%s does not want to be dialled: %s", self._peer.node_id, error.code)
                    return
            except PeerError as error:
                self.error = error

    # By better paths.

    def is_upgrade_due(self) -> bool:
        """Return whether a better path is known, and its last attempt was long enough ago."""
        if self._peer.better_target() is None:
            return False
        return self._local.clock.monotonic() >= self._upgrade_at

    async def upgrade(self) -> None:
        """Try better paths once, while the link in use goes on."""
        self._upgrade_at = self._local.clock.monotonic() + self._upgrades.next()
        target = self._peer.better_target()
        if target is None:
            return
        with self._counted():
            try:
                await self._connector.dial(target)
            except PeerError as error:
                log.debug("%s: no better path: %s", self._peer.node_id, error.code)

    def upgrade_soon(self) -> None:
        """Try better paths at the next occasion: addresses or the network have changed."""
        self._upgrade_at = -math.inf
        self._upgrades.reset()

    # What became of it.

    def connected(self) -> None:
        """Note that the peer is connected."""
        self.error = None
        self._backoff.reset()
        self._hurry.set()
        self._is_up.set()

    def disconnected(self) -> None:
        """Note that the peer is not connected any more."""
        self._is_up.clear()

    async def close(self) -> None:
        """Stop dialling for good."""
        self._is_closed = True
        retry = self._retry
        self.rest()
        if retry is not None:
            await asyncio.gather(retry, return_exceptions=True)

    def retire(self) -> None:
        """Stop dialling for good, without waiting: the peer was forgotten."""
        self._is_closed = True
        self.rest()
