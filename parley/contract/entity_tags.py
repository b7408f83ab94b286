"""Entity tags (RFC 9110, section 8.8.3): by which a client says what it has, or which state it saw.

A tag here is `"state"` or `"state.whole"`, each a hash. Some members of a thing change by what others do, and no
update of the thing overwrites them: whether a user is online, how many members a group has. A read is only then the
same when they are the same as well (`whole`), but who updates does not lose anybody's update because of them.

And some say no more than what time it is: when somebody was last seen, while they are online; when a session was last
used, of the one in which the question comes. They are in neither hash, or whoever reads about themselves would make
something new by asking.
"""

import base64
import hashlib
import re
from collections.abc import Collection, Iterator
from typing import Any

import orjson

ANY = "*"

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def entity_tag(body: bytes, volatile: Collection[str] = (), momentary: Collection[str] = ()) -> str:
    """Return the tag of a body of JSON.

    `volatile` are those of its members that no update overwrites, `momentary` those that mean the present in what is
    online, or is the session at hand.
    """
    if not volatile and not momentary:
        return f'"{_hash(body)}"'
    steady = _steady(orjson.loads(body), momentary)
    whole = _hash(orjson.dumps(steady))
    if not volatile:
        return f'"{whole}"'
    state = {name: value for name, value in steady.items() if name not in volatile}
    return f'"{_hash(orjson.dumps(state))}.{whole}"'


def _steady(value: Any, momentary: Collection[str]) -> Any:
    """Return the same without what only tells the time."""
    if isinstance(value, list):
        return [_steady(item, momentary) for item in value]
    if not isinstance(value, dict):
        return value
    is_present = value.get("status") == "online" or value.get("current") is True
    left_out = momentary if is_present else ()
    return {name: _steady(each, momentary) for name, each in value.items() if name not in left_out}


def is_known(tag: str, known: str) -> bool:
    """Tell whether a client that sent If-None-Match has this already: the weak comparison (section 8.8.3.2)."""
    return known == ANY or _opaque(tag) in (opaque for _, opaque in _tags(known))


def is_demanded_state(tag: str, demanded: str) -> bool:
    """Tell whether this is the state that If-Match demands: the strong comparison, where a weak tag never fits."""
    if demanded == ANY:
        return True
    return _state(_opaque(tag)) in (_state(opaque) for weak, opaque in _tags(demanded) if not weak)


def _tags(text: str) -> Iterator[tuple[bool, str]]:
    for match in _TAG.finditer(text):
        yield match[1] is not None, match[2]


def _opaque(tag: str) -> str:
    return tag.strip('"')


def _state(opaque: str) -> str:
    return opaque.partition(".")[0]


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.blake2b(data, digest_size=12).digest()).decode()
