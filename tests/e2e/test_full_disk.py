"""A disk that gets full while the server runs: it says so at once, to clients and balancers, and goes on later."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from disks import small_disk
from parley.storage.embedded import EmbeddedPostgres
from people import Person, register
from servers import StartServer

# Less than the fifteen seconds for which an outcome that is unknown is looked for.
AT_ONCE = 10


@pytest.fixture(name="small_disk")
def disk_for_a_database(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, with room for the server's database and little else."""
    with small_disk(tmp_path / "disk", "160m", lazily=True) as disk:
        yield disk


def fill(disk: Path) -> Path:
    """Leave not a byte free, and return the file to be removed."""
    file = disk / "filling"
    subprocess.run(["dd", "if=/dev/zero", f"of={file}", "bs=64k"], stderr=subprocess.DEVNULL, check=False)
    assert os.statvfs(disk).f_bavail == 0
    return file


def sent(person: Person, receiver_id: str) -> int:
    """Send a message that no page has room for twice, and return the status."""
    return person.post(
        "/messages", {"receiver_id": receiver_id, "content": os.urandom(1500).hex()}
    ).status_code


def test_a_disk_gets_full(small_disk: Path, start_server: StartServer) -> None:
    """Sends are refused one after the other and none waits; with room again everything goes on."""
    server = start_server("--data-dir", str(small_disk / "data"), temporary=False)
    with httpx.Client(base_url=server.url, timeout=AT_ONCE) as http:
        ada, bob = register(http), register(http)
        assert sent(ada, bob.id) == 201
        assert http.get("/readyz").status_code == 200
        filling = fill(small_disk)
        # Pages that are there already take some more.
        assert any(sent(ada, bob.id) == 503 for _ in range(50))
        assert [sent(ada, bob.id) for _ in range(5)] == [503] * 5
        unready = http.get("/readyz")
        assert (unready.status_code, "full" in unready.json()["reason"]) == (503, True)
        assert ada.get("/conversations").status_code == 200, "it can be read"
        filling.unlink()
        server.wait_until_ready()
        assert sent(ada, bob.id) == 201


def end_segment(data: Path) -> None:
    """Let PostgreSQL need another file for what it logs before it writes it, and panic for want of room."""

    async def end_segment() -> None:
        conn = await asyncpg.connect(EmbeddedPostgres.running_dsn(data))
        try:
            await conn.execute("SELECT pg_current_xact_id(); SELECT pg_switch_wal()")
            await conn.execute("SELECT pg_current_xact_id()")
        finally:
            conn.terminate()

    with pytest.raises(asyncpg.PostgresConnectionError):
        asyncio.run(end_segment())


def test_no_room_for_what_is_logged_ahead(small_disk: Path, start_server: StartServer) -> None:
    """PostgreSQL ends, and comes back when there is room: nobody waits until then, and nothing is lost."""
    data = small_disk / "data"
    server = start_server("--data-dir", str(data), temporary=False)
    with httpx.Client(base_url=server.url, timeout=AT_ONCE) as http:
        ada, bob = register(http), register(http)
        assert sent(ada, bob.id) == 201
        filling = fill(small_disk)
        end_segment(data)
        # A message that is on its way at this moment is looked for, because its outcome is unknown. While the disk is
        # full and nothing worse it could still be read.
        assert any(ada.get("/conversations").status_code == 503 for _ in range(1000))
        assert [sent(ada, bob.id) for _ in range(3)] == [503] * 3
        assert http.get("/readyz").status_code == 503
        filling.unlink()
        server.wait_until_ready()
        assert sent(ada, bob.id) == 201
        assert len(ada.get("/messages").json()["messages"]) == 2
