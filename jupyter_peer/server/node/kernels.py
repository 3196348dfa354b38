"""The kernels of this server: what they get to know of it, and when they are gone."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.gateway.managers import GatewayMappingKernelManager

from ..control.secrets import Caller, Secrets

URL_VARIABLE = "JUPYTER_PEER_URL"
SECRET_VARIABLE = "JUPYTER_PEER_SECRET"  # noqa: S105 - a name, not a secret
KERNEL_ID_VARIABLE = "JUPYTER_PEER_KERNEL_ID"
CERTIFICATE_VARIABLE = "JUPYTER_PEER_CERTIFICATE"


class ServerKernels:
    """Wraps the one kernel manager of a server.

    Every kernel it starts finds the server's URL, its own secret and its own id in the
    environment. Jupyter keeps the environment over restarts of the kernel, and so does the secret.

    Args:
        manager: ``ServerApp.kernel_manager``.
        secrets: Where the kernels' secrets are minted.
        url: Gives the server's URL as seen from the same machine; asked at each start, since the
            port is not known before.
        certificate: Gives the path of the server's TLS certificate, for kernels to pin.
    """

    def __init__(
        self,
        manager: Any,
        secrets: Secrets,
        url: Callable[[], str],
        certificate: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.manager = manager
        self._secrets = secrets
        self._url = url
        self._certificate = certificate
        self._start = manager.start_kernel
        self._remove = manager.remove_kernel
        self._on_ended: list[Callable[[str], None]] = []
        manager.start_kernel = self._start_kernel
        manager.remove_kernel = self._remove_kernel

    def close(self) -> None:
        """Leave the kernel manager as it was; may be called twice."""
        for name, wrapper in (
            ("start_kernel", self._start_kernel),
            ("remove_kernel", self._remove_kernel),
        ):
            # Another extension may have wrapped it in turn; then ours has to stay in between.
            if vars(self.manager).get(name) == wrapper:
                delattr(self.manager, name)

    def on_ended(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call back with the id of each kernel that is shut down or found dead.

        The callback must not raise. Returns what takes it off again.
        """
        self._on_ended.append(callback)
        return lambda: self._on_ended.remove(callback)

    def __contains__(self, kernel_id: str) -> bool:
        return kernel_id in self.manager

    def get(self, kernel_id: str) -> Any | None:
        """Return the ``KernelManager`` of one kernel, None if this server does not run it."""
        return self.manager.get_kernel(kernel_id) if kernel_id in self.manager else None

    async def _start_kernel(self, *args: Any, kernel_id: str | None = None, **kwargs: Any) -> str:
        is_running = kernel_id is not None and kernel_id in self.manager
        if args or is_running or isinstance(self.manager, GatewayMappingKernelManager):
            # Kernels behind a gateway run elsewhere and cannot reach this server.
            return str(await ensure_async(self._start(*args, kernel_id=kernel_id, **kwargs)))
        if kernel_id is None:
            kernel_id = str(self.manager.new_kernel_id(**kwargs))
        secret = self._secrets.mint(Caller("kernel", kernel_id))
        # Jupyter takes a given environment as the whole of it, and its own one otherwise.
        environment = dict(os.environ if kwargs.get("env") is None else kwargs["env"])
        environment |= {
            URL_VARIABLE: self._url(),
            SECRET_VARIABLE: secret,
            KERNEL_ID_VARIABLE: kernel_id,
        }
        certificate = self._certificate()
        if certificate is not None:
            environment[CERTIFICATE_VARIABLE] = certificate
        kwargs["env"] = environment
        try:
            started = str(await ensure_async(self._start(kernel_id=kernel_id, **kwargs)))
        except BaseException:
            self._secrets.drop_kernel(kernel_id)
            raise
        self._secrets.kernel_started(kernel_id)
        return started

    def _remove_kernel(self, kernel_id: str) -> Any:
        self._secrets.drop_kernel(kernel_id)
        try:
            return self._remove(kernel_id)
        finally:
            for callback in list(self._on_ended):
                callback(kernel_id)
