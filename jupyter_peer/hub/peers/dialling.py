"""Dials one peer: on request, repeatedly while it is offline, and over better paths."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Iterator
from typing import Protocol

from ...errors import DuplicateLinkError, NotConnectedError, PeerError, RefusedError
from ...phrase import phrase
from ...primitives import background
from ...primitives.backoff import Backoff
from ...primitives.pauses import pause_until
from ..links.connector import Connector, Progress, Target
from ..local_node import LocalNode

log = logging.getLogger(__name__)

# If both sides dial, the link arrives within this time, or this side dials again.
DUPLICATE_WAIT_S = 0.2
# Refusals after which a second attempt is useless.
_FINAL_REFUSALS = ("not_trusted", "blocked", "key_changed")


class Destination(Protocol):
    """The part of a peer that dialling needs."""

    @property
    def node_id(self) -> str:
        """Id of the peer."""

    def is_connected(self) -> bool:
        """Return whether there is a live link to the peer."""

    def may_be_dialled(self) -> bool:
        """Return whether this node may connect to the peer by itself."""

    def target(self) -> Target:
        """Return the target that dials the peer."""

    def better_target(self) -> Target | None:
        """Return the target for better paths than the current one; None if none is known."""


class Dialling:
    """The attempts to connect to one peer.

    Args:
        peer: The peer.
        local: This node.
        connector: Runs the handshakes.

    Attributes:
        error: Why the last attempt failed; None after a success.
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
        """Whether the peer is not dialled repeatedly."""
        return self._retry is None or self._retry.done()

    # On request.

    async def dial(self, target: Target | None = None, on_progress: Progress | None = None) -> None:
        """Connect, unless the peer connects by itself meanwhile.

        Args:
            target: The target; None for all known addresses.
            on_progress: Called for each path that is tried.

        Raises:
            PeerError: The peer cannot be reached, or refuses.
        """
        clock, config = self._local.clock, self._local.config
        deadline = clock.monotonic() + config.handshake_timeout_s
        while True:
            with contextlib.suppress(DuplicateLinkError):
                return await self._dial_once(target or self._peer.target(), on_progress)
            # The peer dialled at the same moment, and its link stays. But if that link breaks
            # before it arrives, only this side can dial again.
            if not await pause_until(self._is_up, DUPLICATE_WAIT_S * clock.jitter()):
                log.debug("%s dialled too, but is not connected yet", self._peer.node_id)
            if self._peer.is_connected():
                return None
            if clock.monotonic() >= deadline:
                raise NotConnectedError(phrase("{peer} is not connected", peer=self._peer.node_id))

    async def _dial_once(self, target: Target, on_progress: Progress | None) -> None:
        try:
            with self._counted():
                self._local.tell("peer", self._peer.node_id)
                await self._connector.dial(target, on_progress)
        except DuplicateLinkError:
            raise
        except PeerError as error:
            if self._peer.is_connected():
                return  # the peer has connected meanwhile
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
        """Mark the last step of a dial at any address: the peer may already have accepted it."""
        self._authenticating += 1
        try:
            yield
        finally:
            self._authenticating -= 1

    # Repeated attempts.

    def keep_connected(self) -> None:
        """Dial the peer while it is offline, with growing pauses."""
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
        """End the pause before the next attempt, if there is one."""
        self._backoff.reset()
        self._hurry.set()

    def found(self) -> None:
        """Dial soon, because discovery has found the peer.

        Anybody can announce the peer, so this has an effect only every few seconds.
        """
        now = self._local.clock.monotonic()
        if now - self._hurried_at >= self._local.config.upgrade_s:
            self._hurried_at = now
            self._backoff.reset()
            self.keep_connected()

    def want(self) -> None:
        """Allow this node to reconnect by itself again, after :meth:`let_go`."""
        self.is_wanted = True

    def let_go(self, error: PeerError | None = None) -> None:
        """Stop dialling the peer until a user asks for it.

        Args:
            error: Why the peer wants no link; None where the user of this node has ended it.
        """
        self.is_wanted = False
        self.error = error
        self.rest()

    def rest(self) -> None:
        """Stop dialling the peer until :meth:`keep_connected`."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    async def _redial(self) -> None:
        # Cancelling is not enough: on Python 3.11 a library that dials may swallow the cancellation.
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

    # Better paths.

    def is_upgrade_due(self) -> bool:
        """Return whether a better path is known and the last attempt was long enough ago."""
        if self._peer.better_target() is None:
            return False
        return self._local.clock.monotonic() >= self._upgrade_at

    async def upgrade(self) -> None:
        """Try better paths once, while the current link stays in use."""
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
        """Try better paths at the next check, because addresses or the network have changed."""
        self._upgrade_at = -math.inf
        self._upgrades.reset()

    # Results.

    def connected(self) -> None:
        """Handle a new link to the peer."""
        self.error = None
        self._backoff.reset()
        self._hurry.set()
        self._is_up.set()

    def disconnected(self) -> None:
        """Handle the loss of the link to the peer."""
        self._is_up.clear()

    async def close(self) -> None:
        """Stop dialling for good."""
        self._is_closed = True
        retry = self._retry
        self.rest()
        if retry is not None:
            await asyncio.gather(retry, return_exceptions=True)

    def retire(self) -> None:
        """Stop dialling for good without waiting, because the peer was forgotten."""
        self._is_closed = True
        self.rest()
