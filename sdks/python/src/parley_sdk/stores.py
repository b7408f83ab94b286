"""Where tokens and cursors are kept between two runs of a program."""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tokens:
    """A session. `expires_at` is the end of the access token by this machine's clock, in seconds since 1970."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    lifetime: float


class TokenStore(Protocol):
    """Keeps one session. `save` has to be done when it returns: the tokens of before are worth nothing then."""

    def load(self) -> Tokens | None: ...

    def save(self, tokens: Tokens) -> None: ...

    def clear(self) -> None: ...


class CursorStore(Protocol):
    """Keeps where a listener stands."""

    def load(self) -> str | None: ...

    def save(self, cursor: str | None) -> None: ...


class MemoryTokenStore:
    """Forgets with the process."""

    def __init__(self) -> None:
        self._tokens: Tokens | None = None

    def load(self) -> Tokens | None:
        return self._tokens

    def save(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def clear(self) -> None:
        self._tokens = None


class FileTokenStore:
    """A file that only its owner can read (mode 0600); it is replaced as a whole, so a crash leaves the old one.

    Several programs may share it. One that holds no session is as good as none.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def load(self) -> Tokens | None:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            return Tokens(
                str(kept["access_token"]),
                str(kept["refresh_token"]),
                float(kept["expires_at"]),
                float(kept["lifetime"]),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def save(self, tokens: Tokens) -> None:
        _replace(self._path, json.dumps(asdict(tokens)))

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)


class MemoryCursorStore:
    """Forgets with the process; it may begin with a cursor, of which `0` is the beginning of what is kept."""

    def __init__(self, cursor: str | None = None) -> None:
        self._cursor = cursor

    def load(self) -> str | None:
        return self._cursor

    def save(self, cursor: str | None) -> None:
        self._cursor = cursor


class FileCursorStore:
    """A file with the cursor. A damaged one is for the server to judge, which tells of it by a `resync`."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def load(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8", errors="replace") or None
        except FileNotFoundError:
            return None

    def save(self, cursor: str | None) -> None:
        _replace(self._path, cursor or "")


def _replace(path: Path, text: str) -> None:
    # mkstemp makes the file with mode 0600.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)
