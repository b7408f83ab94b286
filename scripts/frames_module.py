"""Writes generated/frames.py: types of frames, close codes, limits and states, as Python has them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scripts.socket_document import Frame, Sender, Socket, frames_of

_HEAD = '''"""The socket's protocol: types of frames and their models, close codes, limits, and what is allowed when.

A frame is judged by the schema in `generated/openapi.json` that `CLIENT_SCHEMAS` or `SERVER_SCHEMAS` names, and
read into the model of the same name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, TypeAlias

from generated import models
'''

_RECONNECT = '''class Reconnect(StrEnum):
    """Whether a client comes back after a close, and with what."""

    NOW = "now"
    LATER = "later"
    NEW_TOKEN = "new_token"
    NEW_SESSION = "new_session"
    NEVER = "never"
'''

_CLOSE_CODE = '''class CloseCode(IntEnum):
    """Why the server closes a socket. `meaning` is what the close frame says beside the number."""

{members}

    @property
    def meaning(self) -> str:
        """The sentence of the document."""
        return _CLOSES[self].meaning

    @property
    def reconnect(self) -> Reconnect:
        """Whether a client comes back."""
        return _CLOSES[self].reconnect

    @property
    def after_seconds(self) -> int:
        """How long it waits before that, at least; 0 is a moment."""
        return _CLOSES[self].after_seconds

    @property
    def keep_cursor(self) -> bool:
        """Whether its cursor is still good."""
        return _CLOSES[self].keep_cursor


@dataclass(frozen=True, slots=True)
class _Close:
    meaning: str
    reconnect: Reconnect
    after_seconds: int
    keep_cursor: bool


_CLOSES: Final[Mapping[CloseCode, _Close]] = {{
{facts}
}}
'''

_STEP = '''@dataclass(frozen=True, slots=True)
class Step:
    """What comes of a frame of the client in a state.

    One that is not allowed is refused with `error` where that is among `answers`, else dropped. `then` is the state
    after it, unless it was refused; `closes` are the codes that it may end in.
    """

    allowed: bool
    then: SocketState
    answers: frozenset[ServerFrameType]
    closes: frozenset[CloseCode]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer to the handshake over HTTP; `code` is that of the error in its body."""

    status: int
    code: str
'''


def frames_module(socket: Socket, first_line: str) -> str:
    """Return the whole text of the module."""
    parts = [_HEAD, *_types(socket), _RECONNECT, _close_codes(socket), _limits(socket)]
    return f"{first_line}\n" + "\n\n".join([*parts, *_states(socket)])


def _types(socket: Socket) -> Iterator[str]:
    sides: tuple[tuple[Sender, str], ...] = (("client", "Client"), ("server", "Server"))
    for sender, side in sides:
        frames = frames_of(socket.rest, sender)
        members = "\n".join(f"    {_constant(frame.type)} = {_quoted(frame.type)}" for frame in frames)
        yield f'class {side}FrameType(StrEnum):\n    """What stands in `type` of a {sender}\'s frame."""\n\n{members}\n'
        choices = "\n    | ".join(f"models.{frame.schema}" for frame in frames)
        yield f"{side}Frame: TypeAlias = (\n    {choices}\n)\n"
        yield f"{_mapping(side, frames, 'SCHEMAS', 'str')}\n{_mapping(side, frames, 'MODELS', f'type[{side}Frame]')}"
    events = [frame.type for frame in frames_of(socket.rest, "server") if frame.is_event]
    comment = "# Those of the log, which have a cursor; the others are gone when nobody was there."
    yield f"{comment}\nEVENTS: Final = {_set('ServerFrameType', events, '')}\n"


def _mapping(side: str, frames: Iterable[Frame], word: str, kind: str) -> str:
    lines = [f"{side.upper()}_{word}: Final[Mapping[str, {kind}]] = {{"]
    for frame in frames:
        value = _quoted(frame.schema) if word == "SCHEMAS" else f"models.{frame.schema}"
        lines.append(f"    {side}FrameType.{_constant(frame.type)}: {value},")
    return "\n".join([*lines, "}", ""])


def _close_codes(socket: Socket) -> str:
    codes = socket.document["x-close-codes"]
    members = [f"    {_constant(each['name'])} = {each['code']}" for each in codes]
    return _CLOSE_CODE.format(members="\n".join(members), facts="\n".join(map(_close_facts, codes)))


def _close_facts(code: Mapping[str, Any]) -> str:
    lines = (
        f"    CloseCode.{_constant(code['name'])}: _Close(",
        f"        {_quoted(code['meaning'])},",
        f"        Reconnect.{_constant(code['reconnect'])},",
        f"        after_seconds={code.get('after_seconds', 0)},",
        f"        keep_cursor={code['keep_cursor']},",
        "    ),",
    )
    return "\n".join(lines)


def _limits(socket: Socket) -> str:
    """Return a class with a field for each limit; its name tells the unit."""
    lines = ["@dataclass(frozen=True, slots=True)", "class Limits:"]
    lines += ['    """What the server keeps to, and whom it closes or refuses."""', ""]
    for name, limit in socket.document["x-limits"].items():
        lines += [f"    # {limit['meaning']}", f"    {name}: int = {limit['value']}"]
    return "\n".join([*lines, "", "", "LIMITS: Final = Limits()", ""])


def _states(socket: Socket) -> Iterator[str]:
    handshake = socket.document["x-handshake"]
    states: Mapping[str, Any] = handshake["states"]
    head = 'class SocketState(StrEnum):\n    """Where a socket stands, as far as its frames go."""\n'
    yield "\n".join([head, *(f"    {_constant(name)} = {_quoted(name)}" for name in states), ""])
    yield _STEP
    yield "\n".join(_steps(states))
    yield "\n".join(_by_state("SENDS", "ServerFrameType", "sends", states))
    yield "\n".join(_by_state("CLOSES", "CloseCode", "closes", states))
    refusals = [f"    Refusal({each['status']}, {_quoted(each['code'])})," for each in handshake["refusals"]]
    yield "\n".join(["REFUSALS: Final = (", *refusals, ")", ""])


def _steps(states: Mapping[str, Any]) -> Iterator[str]:
    yield "HANDSHAKE: Final[Mapping[tuple[SocketState, ClientFrameType], Step]] = {"
    for name, state in states.items():
        for frame, step in state["frames"].items():
            yield f"    (SocketState.{_constant(name)}, ClientFrameType.{_constant(frame)}): Step("
            yield f"        allowed={step['allowed']},"
            yield f"        then=SocketState.{_constant(step['then'])},"
            yield f"        answers={_set('ServerFrameType', step['answers'], '        ')},"
            yield f"        closes={_set('CloseCode', step['closes'], '        ')},"
            yield "    ),"
    yield "}\n"


def _by_state(name: str, kind: str, word: str, states: Mapping[str, Any]) -> Iterator[str]:
    yield f"{name}: Final[Mapping[SocketState, frozenset[{kind}]]] = {{"
    for state, facts in states.items():
        yield f"    SocketState.{_constant(state)}: {_set(kind, facts[word], '    ')},"
    yield "}\n"


def _set(kind: str, names: Iterable[str], indent: str) -> str:
    members = "".join(f"{indent}    {kind}.{_constant(name)},\n" for name in names)
    return f"frozenset((\n{members}{indent}))" if members else "frozenset()"


def _constant(name: str) -> str:
    return name.replace(".", "_").upper()


def _quoted(text: str) -> str:
    # JSON's quotes are Python's too, and double as the rest of the code has them.
    return json.dumps(text, ensure_ascii=False)
