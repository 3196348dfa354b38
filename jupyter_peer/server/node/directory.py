"""The trust mode ``directory``: makes the directory from settings, and applies its changes."""

from __future__ import annotations

import time
from pathlib import Path

from ...directory.cache import DirectoryCache
from ...directory.refresh import DirectoryRefresher
from ...directory.source import pinned_key, source_of
from ...errors import BadRequestError
from ...hub.hub import PeerHub
from ...phrase import phrase
from ...wire.directory import is_group
from ..settings.settings import PeerSettings


def directory_of(settings: PeerSettings, folder: Path) -> DirectoryRefresher:
    """Return the configured directory in its last known version, without fetching anything.

    Args:
        settings: Settings of the extension.
        folder: The node's data directory.

    Raises:
        BadRequestError: One of the settings is missing or cannot be used.
    """
    if not settings.directory_url or not settings.directory_key:
        raise BadRequestError(
            "trust_mode is directory, but directory_url or directory_key is missing",
            hint="ask the directory's publisher for both; `jupyter peer directory init` makes one",
        )
    key = pinned_key(settings.directory_key, "directory_key")
    for group in settings.directory_groups:
        if not is_group(group):
            raise BadRequestError(
                phrase(
                    "directory_groups has {group}, which cannot be the name of a group",
                    group=repr(group[:64]),
                )
            )
    return DirectoryRefresher(
        source_of(settings.directory_url),
        key,
        DirectoryCache(folder, key),
        interval_s=settings.directory_refresh_s,
    )


def keep_to(directory: DirectoryRefresher, hub: PeerHub) -> None:
    """Start to refresh, and disconnect nodes as soon as the directory no longer lists them."""

    async def act() -> None:
        for node_id in await hub.review_trust():
            hub.store.note_audit("peer_unlisted", node_id, {}, time.time())

    directory.on_change = act
    directory.start()
