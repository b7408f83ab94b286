"""What queries cost, in pages of the database that they look at: a number that does not depend on the machine."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import asyncpg

from parley.storage import database

Plan = dict[str, Any]

_numbers = count(1)


class Explaining:
    """A connection that explains each query before it answers it. `buffers` adds up what they touched."""

    def __init__(self, conn: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._conn = conn
        self.buffers = 0
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

    @property
    def scanned(self) -> list[str]:
        """The tables that were read from beginning to end, for lack of a better way."""
        return [table for plan in self.plans for table in _scanned(plan)]

    async def _explain(self, query: str, values: Any) -> None:
        # Explaining a query with its values would show a plan for those; what runs is one for all values.
        name = f"explained_{next(_numbers)}"
        await self._conn.execute(f"PREPARE {name} AS {query}")
        executed = f"EXECUTE {name}({', '.join(map(_literal, values))})" if values else f"EXECUTE {name}"
        # The first execution reads what the session does not know yet of tables and functions.
        await self._conn.fetch(executed)
        text = await self._conn.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {executed}")
        await self._conn.execute(f"DEALLOCATE {name}")
        plan = json.loads(text)[0]["Plan"]
        self.plans.append(plan)
        self.buffers += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@asynccontextmanager
async def explaining(dsn: str) -> AsyncIterator[Explaining]:
    """Connect as Parley does for reading; what is changed is undone."""
    conn = await asyncpg.connect(dsn, server_settings=database.READING)
    try:
        await conn.execute("BEGIN")
        await conn.execute("SET LOCAL transaction_timeout = 0")
        yield Explaining(conn)
        await conn.execute("ROLLBACK")
    finally:
        await conn.close()


def _literal(value: Any) -> str:
    """Return a value as it stands in SQL, whatever type is expected there."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        items = ("NULL" if item is None else str(item) for item in value)
        text = "{" + ",".join(items) + "}"
    else:
        text = str(value)
    return "'" + text.replace("'", "''") + "'"


def _scanned(plan: Plan) -> list[str]:
    # A whole index can be scanned too.
    without_condition = "Index Cond" not in plan and plan.get("Actual Rows", 0) > 1000
    whole = plan["Node Type"] == "Seq Scan" or ("Index" in plan["Node Type"] and without_condition)
    own = [plan.get("Relation Name", "")] if whole else []
    return own + [table for part in plan.get("Plans", ()) for table in _scanned(part)]
