"""A port to listen on, or a sentence about why it cannot be had."""

import errno
import socket

from parley.cli.outcomes import Surroundings


def listen(host: str, port: int) -> socket.socket:
    """Take the port. Raises Surroundings with a sentence."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise Surroundings(f"There is no address called {host} on this machine (PARLEY_HOST).") from None
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise Surroundings(_binding_failed(error, host, port)) from None
    return listening


def _binding_failed(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another program; choose one with --port or PARLEY_PORT."
    if error.errno == errno.EACCES:
        return f"Port {port} needs privileges this user does not have; take one above 1023."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine (PARLEY_HOST)."
    return f"Cannot listen on {host}, port {port}: {error.strerror}."
