"""The log, for whoever cannot hold a socket."""

from parley.contract import Reply, ok
from parley.model import Caller
from parley.services import services


async def list_events(*, after: str | None = None, limit: int = 50, wait: int = 0, caller: Caller) -> Reply:
    return ok(await services().events.read(caller, after, limit=limit, wait=wait))
