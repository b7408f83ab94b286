"""How a command ends: what it raised becomes a sentence on standard error and an exit code."""

import errno
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import typer

from parley.errors import Invalid, ParleyError
from parley.settings import SettingsError


class Code(IntEnum):
    """Exit codes. 2 is also what the parser of options uses."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    SURROUNDINGS = 3


class Refused(Exception):
    """A command cannot do what it was asked, for the reason that is its sentence."""

    code = Code.REFUSED


class Usage(Refused):
    """The command was called in a way that makes no sense."""

    code = Code.USAGE


class Surroundings(Refused):
    """The machine, its disk, its ports or the database are not as the command needs them."""

    code = Code.SURROUNDINGS


_SYSTEM_REASONS = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "The disk quota is used up",
    errno.EROFS: "The file system is read-only",
    errno.EACCES: "Permission denied",
    errno.EPERM: "Permission denied",
}


def outcome(command: Callable[[], Any]) -> int:
    """Run the command line and return its exit code. What nobody foresaw is shown with its traceback."""
    try:
        command()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else Code.DONE
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        foreseen = _foreseen(error)
        if foreseen is None:
            from parley.logs import exception_text

            # Of the server this stands in the log, where no value may stand.
            typer.echo(exception_text(error), err=True)
            return Code.REFUSED
        code, sentence = foreseen
        typer.echo(sentence, err=True)
        return code
    return Code.DONE


def _foreseen(error: Exception) -> tuple[Code, str] | None:
    """Return the exit code and the sentence of an error that a person can do something about."""
    # Here and not above, because the database's driver takes longer to import than most commands to run.
    from parley.contract.document import ContractError
    from parley.node import NodeError
    from parley.storage.embedded import EmbeddedError
    from parley.storage.schema import SchemaError

    match error:
        case Refused():
            return error.code, str(error)
        case SettingsError():
            return Code.USAGE, str(error)
        case NodeError() | EmbeddedError() | SchemaError():
            return Code.SURROUNDINGS, str(error)
        case ContractError():
            return Code.REFUSED, str(error)
        case Invalid():
            return Code.REFUSED, f"{error.details['field']}: {error.details['reason']}."
        case ParleyError():
            return Code.REFUSED, f"{error.message}."
        case OSError() if error.errno in _SYSTEM_REASONS:
            where = f": {error.filename}" if error.filename else ""
            return Code.SURROUNDINGS, f"{_SYSTEM_REASONS[error.errno]}{where}."
    return None
