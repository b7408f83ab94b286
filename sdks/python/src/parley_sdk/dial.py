"""Opening a connection, which may be given up."""

import errno
import os
import selectors
import socket
import time
from collections.abc import Callable

# How often it is asked, in seconds, whether it is given up.
LOOK_EVERY = 0.1


def dial(address: tuple[str, int], timeout: float, is_given_up: Callable[[], bool]) -> socket.socket:
    """Return a connection to the first of the host's addresses that answers. Raises OSError."""
    deadline = time.monotonic() + timeout
    failure = OSError("The host has no address")
    for family, kind, protocol, _, at in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
        opened = socket.socket(family, kind, protocol)
        try:
            opened.setblocking(False)
            _begin(opened, at)
            _wait(opened, deadline, is_given_up)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.setblocking(True)
        except OSError as error:
            opened.close()
            failure = error
        except BaseException:
            opened.close()
            raise
        else:
            return opened
    raise failure


def _begin(opened: socket.socket, at: object) -> None:
    failed = opened.connect_ex(at)  # type: ignore[arg-type] # each family has its own addresses
    if failed not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
        raise OSError(failed, os.strerror(failed))


def _wait(opened: socket.socket, deadline: float, is_given_up: Callable[[], bool]) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(opened, selectors.EVENT_WRITE)
        while not selector.select(LOOK_EVERY):
            if is_given_up():
                raise ConnectionAbortedError("it was given up")
            if time.monotonic() >= deadline:
                raise TimeoutError("it took too long")
    failed = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if failed:
        raise OSError(failed, os.strerror(failed))
