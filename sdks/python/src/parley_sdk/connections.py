"""The connections of a client for threads: they keep deadlines, and can be broken while others wait for them.

httpx measures each wait for bytes by itself, so an answer that drips would last for ever; and closing its pool
wakes nobody. asyncio needs none of this.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import httpcore
import httpx


class Connections(httpcore.SyncBackend):
    """Opens the connections of a client."""

    def __init__(self, http: httpx.Client) -> None:
        self._deadlines = threading.local()
        self._lock = threading.Lock()
        self._open: WeakSet[_Connection] = WeakSet()
        self._is_broken = False
        # httpx has no other door to it, and an own transport would forget the proxies of the environment.
        for transport in (http._transport, *http._mounts.values()):
            if isinstance(transport, httpx.HTTPTransport):
                transport._pool._network_backend = self

    def allow(self, seconds: float) -> None:
        """Give this thread so many seconds for what it does from now on."""
        self._deadlines.at = time.monotonic() + seconds

    def left(self, otherwise: float | None) -> float | None:
        """Return how long this thread may still wait. Raises httpcore.ReadTimeout when that is over."""
        deadline: float | None = getattr(self._deadlines, "at", None)
        if deadline is None:
            return otherwise
        left = deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("it took too long")
        return left if otherwise is None else min(left, otherwise)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Open one."""
        inner = super().connect_tcp(host, port, self.left(timeout), local_address, socket_options)
        return self.keep(inner)

    def keep(self, inner: httpcore.NetworkStream) -> httpcore.NetworkStream:
        """Watch over one that was opened."""
        connection = _Connection(self, inner)
        with self._lock:
            self._open.add(connection)
            is_broken = self._is_broken
        if is_broken:
            connection.close()
            raise httpcore.ConnectError("the client is closed")
        return connection

    def break_all(self) -> None:
        """End whatever anybody waits for; nothing is opened any more."""
        with self._lock:
            self._is_broken = True
            connections = list(self._open)
        for connection in connections:
            connection.wake()


class _Connection(httpcore.NetworkStream):
    def __init__(self, of: Connections, inner: httpcore.NetworkStream) -> None:
        self._of = of
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._of.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._of.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return self._of.keep(self._inner.start_tls(ssl_context, server_hostname, self._of.left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def wake(self) -> None:
        # The method of a socket with TLS would take the TLS off, under the hands of who reads.
        with suppress(OSError):
            socket.socket.shutdown(self.get_extra_info("socket"), socket.SHUT_RDWR)
