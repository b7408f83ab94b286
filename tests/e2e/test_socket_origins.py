"""Which pages may open a socket: those of the origins that are named, and always the server's own."""

import socket

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from servers import Server, StartServer

NAMED = "https://chat.example.com"


def answer_to(server: Server, origin: str, host: str | None = None) -> int:
    """Return the status of the answer to a page that opens a socket, as a proxy hands it on."""
    url = f"ws://{host or server.url.removeprefix('http://')}/ws"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        return status_of(url, connection, Origin(origin))


def status_of(url: str, connection: socket.socket, origin: Origin) -> int:
    try:
        with connect(url, sock=connection, origin=origin, proxy=None, close_timeout=5):
            return 101
    except InvalidStatus as refusal:
        return refusal.response.status_code


def test_the_own_origin_may_connect(start_server: StartServer) -> None:
    """Whoever names other origins does not mean that the server's own pages are foreign, with or without a proxy."""
    server = start_server(env={"PARLEY_CORS_ORIGINS": NAMED})
    assert answer_to(server, NAMED) == 101
    assert answer_to(server, server.url) == 101
    assert answer_to(server, "https://parley.example.org", "parley.example.org") == 101
    assert answer_to(server, "https://evil.example", "parley.example.org") == 403
    assert answer_to(server, "http://localhost:3000") == 403
    assert answer_to(server, "null") == 403
