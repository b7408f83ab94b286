"""Runs one PostgreSQL program and ends it when the process that wanted it is gone.

The server holds the writing end of a pipe, the lifeline. When that end closes, because the server asked for
it or was killed, the keeper stops its program: politely, then firmly, then by force. Should the keeper itself
be killed, the kernel sends the program SIGQUIT. The keeper is a session of its own, so a terminal's Ctrl-C
reaches only the server.

It also writes the program's output to a log of bounded size and, when the lifeline has closed, removes what
was temporary. This file runs by itself, with the standard library only, and imports little: it starts with
every database. Usage:

    keeper.py LIFELINE_FD LOG_FILE IDENTITY GRACE_SECONDS REMOVE PROGRAM [ARGUMENT …]

IDENTITY is `same`, `namespace:UID` (look like UID in a user namespace of one's own) or `UID:GID`. REMOVE is a
list of paths, in the form of `encode_paths`.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Iterable

LOG_LIMIT = 1 << 20
CANNOT_RUN = 77
FIRM_SECONDS = 10.0  # postgres gives its own children five seconds after SIGQUIT

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    lifeline, log, identity, grace, remove = arguments[:5]
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    os.set_inheritable(int(lifeline), False)
    program, output = spawn(arguments[5:], identity)
    status, lifeline_closed = watch(program, output, int(lifeline), log, float(grace))
    if lifeline_closed:
        remove_all(decode_paths(remove))
    return status


def spawn(command: list[str], identity: str) -> tuple[int, int]:
    """Start `command` and return its process id and the reading end of its output."""
    output, output_of_child = os.pipe()
    keeper = os.getpid()
    program = os.fork()
    if program:
        os.close(output_of_child)
        return program, output
    try:
        os.dup2(output_of_child, 1)
        os.dup2(output_of_child, 2)
        # A script that puts Parley into the background makes it ignore some of these, and that is inherited.
        for default in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(default, signal.SIG_DFL)
        become(identity)
        die_with(keeper)
        os.execv(command[0], command)  # noqa: S606 - a shell would only stand between
    except BaseException as error:
        os.write(2, f"keeper: cannot run {command[0]}: {error}\n".encode())
    os._exit(CANNOT_RUN)


def become(identity: str) -> None:
    """Give up root, which postgres refuses to run as."""
    kind, _, number = identity.partition(":")
    if kind == "same":
        return
    if kind != "namespace":
        os.setgroups([])
        os.setgid(int(number))
        os.setuid(int(kind))
        return
    uid, gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "user namespaces are not allowed here")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{number} {uid} 1"),
        ("gid_map", f"{number} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def die_with(keeper: int) -> None:
    """Ask the kernel for SIGQUIT when the keeper dies. Elsewhere than on Linux the lifeline has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
        if os.getppid() != keeper:  # it died before the kernel was asked
            os._exit(CANNOT_RUN)


def watch(program: int, output: int, lifeline: int, log: str, grace: float) -> tuple[int, bool]:
    """Return the exit status of `program` and whether the lifeline had closed before it ended."""
    woken, wake = os.pipe()
    for end in (woken, wake, output):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    sources = [woken, output, lifeline]
    # What is still to be sent, and when, once the lifeline has closed.
    plan = [(0.0, signal.SIGINT), (grace, signal.SIGQUIT), (grace + FIRM_SECONDS, signal.SIGKILL)]
    closed_at: float | None = None
    while True:
        ended, status = os.waitpid(program, os.WNOHANG)
        if ended:
            copy_output(output, log)
            return exit_status(status), closed_at is not None
        timeout = None
        if closed_at is not None and plan:
            timeout = closed_at + plan[0][0] - time.monotonic()
            if timeout <= 0:
                os.kill(program, plan.pop(0)[1])
                continue
        ready = select.select(sources, [], [], timeout)[0]
        if woken in ready:
            os.read(woken, 512)
        if output in ready and not copy_output(output, log):
            sources.remove(output)
        if lifeline in ready:
            sources.remove(lifeline)
            closed_at = time.monotonic()


def copy_output(output: int, log: str) -> bool:
    """Append what can be read to the log; return whether more may come."""
    while True:
        try:
            data = os.read(output, 65536)
        except BlockingIOError:
            return True
        if not data:
            return False
        # A log on a full disk must not take the database down with it: what cannot be written is lost.
        with contextlib.suppress(OSError):
            append(log, data)


def append(log: str, data: bytes) -> None:
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, data)
        full = os.fstat(file).st_size > LOG_LIMIT
    finally:
        os.close(file)
    if full:
        os.replace(log, f"{log}.1")


def exit_status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def encode_paths(paths: Iterable[object]) -> str:
    """Return the argument REMOVE: a path may hold anything but NUL."""
    return os.fsencode("\0".join(str(path) for path in paths)).hex()


def decode_paths(remove: str) -> list[str]:
    return os.fsdecode(bytes.fromhex(remove)).split("\0") if remove else []


def remove_all(paths: list[str]) -> None:
    import shutil  # only here, because it is slow to import and rarely needed

    for path in paths:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
