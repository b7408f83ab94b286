"""Is the process alive, and can it serve? Two questions: a restart mends the first, patience the second."""

from typing import Protocol

from starlette.types import Receive, Scope, Send

from parley.contract.replies import encode
from parley.pages.answers import JSON, Page, answer, only_read

_NOT_KEPT = (("Cache-Control", "no-store"),)


class Readiness(Protocol):
    """Whoever knows whether requests can be served; the node does."""

    async def obstacle(self) -> str | None:
        """Return why requests cannot be served at the moment, as a sentence, or None when they can."""


@only_read
async def alive(scope: Scope, receive: Receive, send: Send) -> None:
    """/healthz: 200 as long as the event loop turns."""
    await answer(scope, send, 200, encode({"status": "ok"}), JSON, _NOT_KEPT)


def ready(readiness: Readiness) -> Page:
    """/readyz: 200 when the database answers, has room, and the server is not stopping; else 503 with the reason."""

    @only_read
    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        obstacle = await readiness.obstacle()
        if obstacle is None:
            await answer(scope, send, 200, encode({"status": "ready"}), JSON, _NOT_KEPT)
        else:
            body = encode({"status": "not ready", "reason": obstacle})
            await answer(scope, send, 503, body, JSON, (*_NOT_KEPT, ("Retry-After", "1")))

    return page
