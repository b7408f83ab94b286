"""The log, for whoever cannot hold a socket."""

from parley.contract import Reply, listed
from parley.model import Caller
from parley.services import services


async def list_events(*, after: str | None = None, limit: int = 50, wait: int = 0, caller: Caller) -> Reply:
    page = await services().events.read(caller, after, limit=limit, wait=wait)
    return listed("events", page.events, next_cursor=page.next_cursor, has_more=page.has_more)
