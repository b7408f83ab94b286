"""What queries cost, in pages of the database that they look at: a number that does not depend on the machine."""

import json
from typing import Any

import asyncpg

from parley.storage import database

Plan = dict[str, Any]


class Explaining:
    """A connection that explains each query before it answers it. `buffers` adds up what they touched."""

    def __init__(self, conn: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._conn = conn
        self.buffers = 0
        self.milliseconds = 0.0
        self.plans: list[Plan] = []

    async def fetch(self, query: str, *values: Any) -> Any:
        await self._explain(query, values)
        return await self._conn.fetch(query, *values)

    async def fetchrow(self, query: str, *values: Any) -> Any:
        await self._explain(query, values)
        return await self._conn.fetchrow(query, *values)

    async def fetchval(self, query: str, *values: Any) -> Any:
        await self._explain(query, values)
        return await self._conn.fetchval(query, *values)

    def nodes(self) -> list[str]:
        """Return the types of all nodes of all plans, and the relation or index where there is one."""
        return [name for plan in self.plans for name in _nodes(plan)]

    async def _explain(self, query: str, values: Any) -> None:
        # The first execution reads what the session does not know yet of tables and functions.
        await self._conn.fetch(query, *values)
        text = await self._conn.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {query}", *values
        )
        explained = json.loads(text)[0]
        plan = explained["Plan"]
        self.plans.append(plan)
        self.milliseconds += explained["Execution Time"]
        self.buffers += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


async def explaining(dsn: str, *, generic: bool = False) -> Explaining:
    """Connect as Parley does for reading; `generic` asks for plans that are made without knowing the values."""
    session = database.READING | {"plan_cache_mode": "force_generic_plan" if generic else "auto"}
    return Explaining(await asyncpg.connect(dsn, server_settings=session))


def _nodes(plan: Plan) -> list[str]:
    where = plan.get("Index Name") or plan.get("Relation Name") or ""
    own = f"{plan['Node Type']} {where}".strip()
    return [own, *(name for part in plan.get("Plans", ()) for name in _nodes(part))]
