"""The epoch of the log: what tells one history of positions from another."""

from parley.storage.database import Connection


async def read(conn: Connection) -> str:
    """Return the present epoch."""
    epoch: str = await conn.fetchval("SELECT log_epoch()")
    return epoch


async def bump(conn: Connection) -> str:
    """Begin another epoch, so that every cursor given out until now is told to start afresh; return it."""
    await conn.execute("UPDATE log_state SET epoch_bumps = epoch_bumps + 1")
    return await read(conn)
