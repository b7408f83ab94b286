"""What a command does with the database, whether a server runs on it or not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from parley import settings

if TYPE_CHECKING:
    from parley.services import Services

T = TypeVar("T")


def with_services(work: "Callable[[Services], Awaitable[T]]", *, must_exist: bool = False) -> T:
    """Run this with the services; with `must_exist` no database is made."""
    from parley.node import Node

    async def run() -> T:
        async with Node(settings.load(), visiting=True, must_exist=must_exist) as node:
            return await work(node.services)

    return asyncio.run(run())
