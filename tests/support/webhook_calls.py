"""What clients do with webhooks over HTTP, and wait for."""

import time
from collections.abc import Callable
from typing import Any

from people import Person, made

_PATIENCE = 60.0


def until(condition: Callable[[], bool]) -> None:
    """Ask until it is so."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def webhook(person: Person, url: str, *events: str, **more: Any) -> dict[str, Any]:
    """Make a webhook for these events, or for all, and return it."""
    return made(person.post("/webhooks", {"url": url, "events": list(events) or ["*"], **more}))


def finished_delivery(person: Person, webhook_id: str, delivery_id: str) -> dict[str, Any]:
    """Return a delivery, once it is finished."""
    path = f"/webhooks/{webhook_id}/deliveries/{delivery_id}"
    until(lambda: bool(made(person.get(path))["status"] != "pending"))
    return made(person.get(path))


def try_out(person: Person, webhook_id: str) -> dict[str, Any]:
    """Send a test to a webhook and return its delivery, once it is finished."""
    delivery = made(person.post(f"/webhooks/{webhook_id}/test"))
    return finished_delivery(person, webhook_id, delivery["id"])
