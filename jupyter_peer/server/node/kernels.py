"""The kernels of this server: gives each the means to connect, and reports its end.

An environment cannot hold a secret: a cell prints it, a pane shows it, and every process that
a kernel starts inherits it. So the environment of a kernel names a file of mode 0600, and the file
holds the secret.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.gateway.managers import GatewayMappingKernelManager

from ..control.secrets import Caller, Secrets

URL_VARIABLE = "JUPYTER_PEER_URL"
SECRET_FILE_VARIABLE = "JUPYTER_PEER_SECRET_FILE"  # noqa: S105 - a name, not a secret
KERNEL_ID_VARIABLE = "JUPYTER_PEER_KERNEL_ID"
CERTIFICATE_VARIABLE = "JUPYTER_PEER_CERTIFICATE"

log = logging.getLogger(__name__)


class ServerKernels:
    """Wraps the one kernel manager of a server.

    Every kernel finds the server's URL, its own id and the path of the file with its secret in the
    environment. Jupyter keeps the environment when a kernel restarts; the file and the secret stay
    valid until the kernel is shut down.

    Args:
        manager: ``ServerApp.kernel_manager``.
        kernel_secrets: Where the kernels' secrets are minted.
        url: Returns the server's URL as seen from the same machine; called at each start, because
            the port is not known earlier.
        directory: Returns the directory for the files with secrets: Jupyter's runtime directory.
        certificate: Returns the path of the server's TLS certificate, which kernels pin.
    """

    def __init__(
        self,
        manager: Any,
        kernel_secrets: Secrets,
        url: Callable[[], str],
        directory: Callable[[], Path],
        certificate: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.manager = manager
        self._secrets = kernel_secrets
        self._directory = directory
        self._files: dict[str, Path] = {}
        self._url = url
        self._certificate = certificate
        self._start = manager.start_kernel
        self._remove = manager.remove_kernel
        self._on_ended: list[Callable[[str], None]] = []
        manager.start_kernel = self._start_kernel
        manager.remove_kernel = self._remove_kernel

    def close(self) -> None:
        """Restore the kernel manager and remove the files of secrets; may be called twice."""
        for kernel_id in list(self._files):
            self._drop_secret(kernel_id)
        for name, wrapper in (
            ("start_kernel", self._start_kernel),
            ("remove_kernel", self._remove_kernel),
        ):
            # Another extension may have wrapped the method after us; then ours must stay.
            if vars(self.manager).get(name) == wrapper:
                delattr(self.manager, name)

    def on_ended(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call back with the id of each kernel that is shut down or found dead.

        The callback must not raise. Returns a function that removes it.
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
        # Jupyter uses a given environment instead of its own, so it must be complete.
        environment = dict(os.environ if kwargs.get("env") is None else kwargs["env"])
        environment |= {
            URL_VARIABLE: self._url(),
            KERNEL_ID_VARIABLE: kernel_id,
        }
        # A server that was started from a notebook has the variables of that notebook.
        environment.pop(SECRET_FILE_VARIABLE, None)
        secret_file = self._write_secret(kernel_id)
        if secret_file is not None:
            environment[SECRET_FILE_VARIABLE] = str(secret_file)
        certificate = self._certificate()
        if certificate is not None:
            environment[CERTIFICATE_VARIABLE] = certificate
        kwargs["env"] = environment
        try:
            started = str(await ensure_async(self._start(kernel_id=kernel_id, **kwargs)))
        except BaseException:
            self._drop_secret(kernel_id)
            raise
        self._secrets.kernel_started(kernel_id)
        return started

    def _write_secret(self, kernel_id: str) -> Path | None:
        """Mint the secret of a kernel and write its file; None when the file cannot be written."""
        self._drop_secret(kernel_id)
        secret = self._secrets.mint(Caller("kernel", kernel_id))
        directory = self._directory()
        # Not named after the kernel, whose id may have characters that no file name can have.
        path = directory / f"jupyter-peer-{os.getpid()}-{secrets.token_hex(8)}.secret"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secret)
        except OSError as error:
            log.warning(
                "the kernel %s cannot use jupyter-peer, because writing its secret failed: %s",
                kernel_id,
                error,
            )
            self._secrets.drop_kernel(kernel_id)
            return None
        self._files[kernel_id] = path
        return path

    def _drop_secret(self, kernel_id: str) -> None:
        self._secrets.drop_kernel(kernel_id)
        path = self._files.pop(kernel_id, None)
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()

    def _remove_kernel(self, kernel_id: str) -> Any:
        self._drop_secret(kernel_id)
        try:
            return self._remove(kernel_id)
        finally:
            for callback in list(self._on_ended):
                callback(kernel_id)
