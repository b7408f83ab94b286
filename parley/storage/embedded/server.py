"""EmbeddedPostgres: starts the database, watches it, and ends with it."""

import asyncio
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from parley import logs
from parley.storage.embedded import claim, cluster, configuration, identity, keeper, remains
from parley.storage.embedded.errors import EmbeddedError

_log = logs.logger("storage")

Fill = Callable[[str], Awaitable[None]]

_POLL_SECONDS = 0.005
_RECOVERY_SECONDS = 600.0  # max_wal_size bounds a crash recovery; this only ends a hopeless wait
_SHORT_LIFE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0


class EmbeddedPostgres:
    """A PostgreSQL of one's own in `data_dir`, which lives as long as this object's process at most.

    `start` returns the address to connect to. From then on postgres is restarted whenever it dies, until
    `stop`. While it is down `problem` is a sentence, else None. `grace` is how many seconds postgres gets to
    end cleanly before it is ended by force. Every refusal is an `EmbeddedError`.

    Invariants: whoever runs postgres in a data directory holds its lock; `postgres/` there is a whole
    database or absent; no postmaster is started while a process of a former one lives.
    """

    def __init__(self, data_dir: Path | str, *, grace: float = 10.0) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.problem: str | None = None
        self._cluster = self.data_dir / cluster.CLUSTER
        self._grace = grace
        self._durable = True
        self._temporary: list[Path] = []
        self._claim: claim.Claim | None = None
        self._identity = identity.Identity("same")
        self._keeper: Process | None = None
        self._lifeline: int | None = None
        self._socket = self.data_dir / cluster.SOCKET
        self._output_start = 0
        self._supervisor: asyncio.Task[None] | None = None

    @classmethod
    def temporary(cls, *, grace: float = 10.0) -> Self:
        """Return a database in a new directory that is removed at the end; may not survive a power cut."""
        database = cls(tempfile.mkdtemp(prefix="parley-temporary-"), grace=grace)
        database._durable = False
        database._temporary.append(database.data_dir)
        return database

    @staticmethod
    def running_dsn(data_dir: Path | str) -> str | None:
        """Return the address of the database that another process runs in `data_dir`, or None."""
        with cluster.explained(Path(data_dir)):
            return claim.published(Path(data_dir).absolute())

    @staticmethod
    def has_database(data_dir: Path | str) -> bool:
        """Return whether a database lies in `data_dir`, running or not."""
        with cluster.explained(Path(data_dir)):
            return Path(data_dir, cluster.CLUSTER, "PG_VERSION").exists()

    async def __aenter__(self) -> str:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> str:
        """Start the database, making it first if need be, and return its address (a postgresql:// DSN)."""
        cluster.prepare_data_dir(self.data_dir)
        self._claim = self._take_claim()
        try:
            with cluster.explained(self.data_dir):
                await self._prepare()
                if not self._cluster.exists():
                    await self._make(_nothing)
                dsn = await self._run()
                self._claim.publish(dsn)
        except BaseException:
            await self.stop()
            raise
        self._supervisor = asyncio.create_task(self._supervise())
        return dsn

    async def make(self, fill: Fill) -> None:
        """Make the database in a new or empty directory, without starting it.

        `fill` gets its address while it is being made. When `fill` fails, nothing is left.
        """
        existed = cluster.refuse_used(self.data_dir)
        cluster.prepare_data_dir(self.data_dir)
        self._claim = self._take_claim()
        try:
            with cluster.explained(self.data_dir):
                cluster.refuse_used(self.data_dir, but=claim.LOCK)
                await self._prepare()
                await self._make(fill)
        except BaseException:
            # The claim is still held: whoever else wants the directory has to wait until it is empty again.
            cluster.empty(self.data_dir, remove=not existed)
            raise
        finally:
            await self.stop()

    async def stop(self) -> None:
        """End the database: a clean shutdown within `grace` seconds, or else by force."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
            self._supervisor = None
        try:
            await self._end(self._cluster)
        finally:
            for path in self._temporary:
                shutil.rmtree(path, ignore_errors=True)
            if self._claim is not None:
                self._claim.release()
                self._claim = None

    def _take_claim(self) -> claim.Claim:
        with cluster.explained(self.data_dir):
            return claim.Claim(self.data_dir)

    async def _prepare(self) -> None:
        await remains.clear(self._cluster, patience=self._grace + 2 * keeper.FIRM_SECONDS)
        cluster.remove_unfinished(self.data_dir)
        self._identity = await identity.choose(self._cluster, cluster.program("postgres"))
        self._make_socket_directory()

    async def _run(self) -> str:
        cluster.check_version(self._cluster)
        self._identity.own(self._cluster)
        await self._launch(self._cluster)
        return await self._ensure_database()

    def _make_socket_directory(self) -> None:
        self._socket, outside = cluster.socket_directory(self.data_dir)
        if outside:
            self._temporary.append(self._socket)
        self._identity.own(self._socket)
        if self._identity.owner and cluster.is_private(self.data_dir):
            self.data_dir.chmod(0o711)  # the other user has to pass through it

    async def _make(self, fill: Fill) -> None:
        """Make the database under another name, so that an interrupted one is never mistaken for it."""
        cluster.check_room(self.data_dir)
        made = cluster.unfinished(self.data_dir)
        try:
            made.mkdir(mode=0o700)
            self._identity.own(made)
            await self._initdb(made)
            if fill is not _nothing:
                await self._launch(made)
                await fill(await self._ensure_database())
                await self._end(made)
            cluster.rename(made, self._cluster)
        except BaseException:
            await self._end(made)
            shutil.rmtree(made, ignore_errors=True)
            raise

    async def _initdb(self, made: Path) -> None:
        sync = () if self._durable else ("--no-sync",)
        running = await self._spawn("initdb", "--pgdata", str(made), *cluster.INITDB_ARGUMENTS, *sync)
        if await running.wait() != 0:
            raise cluster.explain_failure(self.data_dir, self._output())

    async def _launch(self, home: Path) -> None:
        """Start postgres and return when it takes connections."""
        arguments = configuration.arguments(home, self._socket, durable=self._durable)
        running = await self._spawn("postgres", *arguments)
        try:
            async with asyncio.timeout(_RECOVERY_SECONDS):
                while not remains.is_ready(home):
                    if running.returncode is not None:
                        raise cluster.explain_failure(self.data_dir, self._output())
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise EmbeddedError(
                f"PostgreSQL was not ready within {_RECOVERY_SECONDS:.0f} s; its log is {self._log}."
            ) from None

    async def _spawn(self, name: str, *arguments: str) -> Process:
        """Start one of PostgreSQL's programs under a keeper that ends it with this process."""
        self._hang_up()
        self._output_start = self._log.stat().st_size if self._log.exists() else 0
        lifeline, self._lifeline = os.pipe()
        try:
            with cluster.running(sys.executable):
                self._keeper = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", keeper.__file__, str(lifeline), str(self._log)),
                    *(self._identity.argument, str(self._grace), keeper.encode_paths(self._temporary)),
                    *(str(cluster.program(name)), *arguments),
                    stdin=DEVNULL,
                    stdout=DEVNULL,
                    stderr=DEVNULL,
                    pass_fds=(lifeline,),
                    start_new_session=True,
                    env=cluster.environment(),
                    cwd="/",
                )
        finally:
            os.close(lifeline)
        return self._keeper

    async def _ensure_database(self) -> str:
        conn = await asyncpg.connect(configuration.dsn(self._socket, "postgres"))
        try:
            names = await conn.fetchval("SELECT array_agg(datname) FROM pg_database")
            if configuration.DATABASE not in names:
                await conn.execute(f"CREATE DATABASE {configuration.DATABASE}")
        finally:
            await conn.close()
        return configuration.dsn(self._socket)

    async def _supervise(self) -> None:
        """Restart postgres whenever it has died; at once, but with growing pauses when that does not help."""
        clock = asyncio.get_running_loop().time
        pause = 0.0
        while self._keeper is not None:
            started = clock()
            status = await self._keeper.wait()
            self.problem = f"PostgreSQL ended unexpectedly (status {status}) and is being restarted."
            _log.error(
                "PostgreSQL ended unexpectedly and is being restarted", status=status, file=str(self._log)
            )
            pause = 0.0 if clock() - started > _SHORT_LIFE_SECONDS else pause
            while self.problem is not None:
                await asyncio.sleep(pause)
                pause = min(max(2 * pause, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
                await self._restart()

    async def _restart(self) -> None:
        try:
            await remains.clear(self._cluster, patience=self._grace)
            await self._launch(self._cluster)
        except Exception as error:
            # Whatever it was, nobody else would try again: the server waits for its database.
            self.problem = str(error)
            _log.error(
                "PostgreSQL is down, and the next try follows",
                reason=logs.reason_of(error),
                exc_info=error if _surprising(error) else None,
            )
        else:
            self.problem = None
            _log.warning("PostgreSQL is back")

    async def _end(self, home: Path) -> None:
        running, self._keeper = self._keeper, None
        self._hang_up()
        if running is not None:
            try:
                async with asyncio.timeout(self._grace + 2 * keeper.FIRM_SECONDS):
                    await running.wait()
            except TimeoutError:
                running.kill()  # the kernel then ends postgres
                await running.wait()
            await remains.clear(home, patience=keeper.FIRM_SECONDS)

    def _hang_up(self) -> None:
        """Close the lifeline: the keeper ends its program."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    @property
    def _log(self) -> Path:
        return self.data_dir / cluster.LOG

    def _output(self) -> str:
        """Return what the program that was started last has written."""
        try:
            written = self._log.read_bytes()
        except FileNotFoundError:
            return ""
        start = self._output_start if self._output_start <= len(written) else 0  # the log was changed
        return written[start:].decode(errors="replace")


async def _nothing(dsn: str) -> None:
    """Leave the database as it was made."""


def _surprising(error: Exception) -> bool:
    """Return whether a traceback tells more than the error's own sentence."""
    return not isinstance(error, EmbeddedError)
