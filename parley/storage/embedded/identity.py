"""As whom PostgreSQL runs. It refuses to run as root, so root has to look like somebody else.

In a user namespace of its own root looks like another user and still owns its files. Where such namespaces
are forbidden (many containers), postgres runs as another user, who then owns the database directory: from
then on that owner decides.
"""

import asyncio
import os
import pwd
import subprocess
import sys
from pathlib import Path

from parley.storage.embedded import cluster, keeper
from parley.storage.embedded.errors import EmbeddedError

_OTHER_USERS = ("parley", "postgres", "nobody")


class Identity:
    """`argument` is what the keeper is told; `owner` the (uid, gid) that must own what postgres writes."""

    def __init__(self, argument: str, owner: tuple[int, int] | None = None) -> None:
        self.argument = argument
        self.owner = owner

    def own(self, path: Path) -> None:
        """Hand `path`, and all in it, to the user as whom postgres runs."""
        if self.owner is None:
            return
        os.chown(path, *self.owner)
        for directory, directories, files in os.walk(path):
            for name in directories + files:
                os.chown(os.path.join(directory, name), *self.owner, follow_symlinks=False)


async def choose(database: Path, program: Path) -> Identity:
    """Return who can run `program` on the directory `database`, which may not exist yet."""
    uid = os.geteuid()
    if uid and _has_name(uid):
        return Identity("same")
    if (owner := _owner(database)) and owner[0] != uid:
        return _user(*owner)
    namespace = Identity(f"namespace:{_uid_of_nobody()}")
    if await _can_run(namespace, program):
        return namespace
    if uid:
        raise EmbeddedError(f"The user id {uid} has no name on this machine, and PostgreSQL wants one.")
    return await _other_user(program)


async def _other_user(program: Path) -> Identity:
    for name in _OTHER_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        identity = _user(entry.pw_uid, entry.pw_gid)
        if await _can_run(identity, program):
            return identity
    raise EmbeddedError(
        f"PostgreSQL refuses to run as root, user namespaces are not allowed here, and no other user "
        f"({', '.join(_OTHER_USERS)}) can run {program}: start Parley as a normal user."
    )


async def _can_run(identity: Identity, program: Path) -> bool:
    """Try it: whether namespaces are allowed and files can be reached has too many reasons to be computed."""
    with cluster.running(sys.executable):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", keeper.__file__),
            *("0", os.devnull, identity.argument, "1", "", str(program), "--version"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
    try:
        return await process.wait() == 0
    finally:
        if process.stdin is not None:
            process.stdin.close()


def _user(uid: int, gid: int) -> Identity:
    return Identity(f"{uid}:{gid}", (uid, gid))


def _owner(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_uid, found.st_gid


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _uid_of_nobody() -> int:
    # initdb looks its user up by id, so it has to be one that every machine knows.
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return next((entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid), 65534)
