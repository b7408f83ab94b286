"""`parley events`: follows the log."""

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import typer

from parley import settings
from parley.settings import Settings

if TYPE_CHECKING:
    from parley.storage.tail import Record

_PAGE = 200
_PAUSE_SECONDS = 0.5


def follow(
    after: int | None = typer.Option(
        None, min=0, help="Begin after this position; 0 is the start of the log. Without it: at the end."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print each event as a line of JSON."),
    once: bool = typer.Option(
        False, "--once", help="Stop at the end of the log instead of waiting for more."
    ),
) -> None:
    """Follow the log: what happens, to what, by whom. What people write is not shown. Ctrl-C ends it."""
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        asyncio.run(_follow(settings.load(), after, as_json=as_json, once=once))


async def _follow(chosen: Settings, after: int | None, *, as_json: bool, once: bool) -> None:
    from parley.node import Storage
    from parley.storage import events, tail

    async with Storage(chosen, must_exist=True) as storage:
        position = after
        while True:
            async with storage.database.read() as conn:
                if position is None:
                    position = (await events.read_state(conn)).head
                records = await tail.read(conn, position, _PAGE)
            for record in records:
                typer.echo(_as_json(record) if as_json else _as_text(record))
                position = record.position
            if once and len(records) < _PAGE:
                return
            if not records:
                await asyncio.sleep(_PAUSE_SECONDS)


def _as_text(record: "Record") -> str:
    time = record.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    seq = "" if record.seq is None else f" seq={record.seq}"
    by = "" if record.actor_id is None else f" by={record.actor_id}"
    return (
        f"{record.position:>8}  {time}  {record.kind:<20} {record.subject_id} in={record.stream_id}{seq}{by}"
    )


def _as_json(record: "Record") -> str:
    return json.dumps(
        {
            "position": record.position,
            "created_at": record.created_at.isoformat(),
            "kind": record.kind,
            "stream_id": str(record.stream_id),
            "subject_id": str(record.subject_id),
            "actor_id": None if record.actor_id is None else str(record.actor_id),
            "seq": record.seq,
            "facts": record.facts,
        }
    )
