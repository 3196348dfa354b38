"""The URL of a guest link's page: at the relay, the peer port, or Jupyter's own port."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...errors import NotEnabledError
from ...wire.addresses import PATH, host_of, is_loopback

_HTTP = {"ws": "http", "wss": "https"}


def page_of_relay(relay_url: str, node_id: str) -> str:
    """Return the URL at which a relay serves the pages of a node's guest links.

    Args:
        relay_url: URL of the relay; of several, separated by commas, the first counts.
        node_id: Id of the owner.
    """
    return f"{_as_http(relay_url.split(',')[0])}/s/{node_id}/"


def page_of_port(address: str, *, is_jupyter: bool) -> str:
    """Return the URL at which a port serves the pages of guest links.

    Args:
        address: Address of the port for peers, ending in ``/peer-ws``.
        is_jupyter: Whether it is Jupyter's own port, not the extra one for peers.
    """
    base = _as_http(address.removesuffix(PATH))
    return f"{base}/jupyter-peer/s/" if is_jupyter else f"{base}/s/"


def best_page(relay: str | None, ports: Iterable[str]) -> str:
    """Return the page that most people can reach: at the relay, else from another machine.

    Raises:
        NotEnabledError: A browser can reach no port of this node, and there is no relay.
    """
    pages: Sequence[str] = [*([relay] if relay else ()), *ports]
    if not pages:
        raise NotEnabledError(
            "no browser can reach this node: it has no relay, and direct connections are disabled",
            hint="set PeerExtension.relay_url, or PeerExtension.peer_listen",
        )
    return min(pages, key=lambda page: is_loopback(host_of(page)))


def _as_http(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{_HTTP[scheme]}://{rest}"
