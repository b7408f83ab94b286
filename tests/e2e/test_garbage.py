"""What requests leave behind is freed at once: nothing is left for the collector, which stops everybody meanwhile."""

import gc

import pytest

from edge import ID, Edge
from wire import Wire, serving

HEAD = "Host: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
BODY = f'{{"receiver_id": "{ID}", "content": "Hello, world!"}}'
REQUESTS = 100


def post(token: str, body: str) -> bytes:
    head = HEAD % token
    return f"POST /v1/messages HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post("ada", BODY), 200),
        (post("nobody", BODY), 401),
        (post("ada", BODY[:-1]), 400),
        (post("ada", "{}"), 400),
        (f"GET /v1/nowhere HTTP/1.1\r\n{HEAD % 'ada'}\r\n".encode(), 404),
    ],
    ids=["sent", "no token", "no JSON", "not valid", "no path"],
)
def test_a_request_is_no_circle(request_: bytes, status: int) -> None:
    """Objects that refer to each other in a circle made half of the slowest hundredth of all sends."""
    with serving(Edge().app) as server, server.connection() as wire:
        ask(wire, request_, status)
        gc.collect()
        gc.disable()
        try:
            for _ in range(REQUESTS):
                ask(wire, request_, status)
            assert gc.collect() < REQUESTS
        finally:
            gc.enable()


def ask(wire: Wire, request_: bytes, status: int) -> None:
    wire.send(request_)
    assert wire.answer().status == status
