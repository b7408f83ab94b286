"""Entity tags (RFC 9110, section 8.8.3): by which a client says what it has, or which state it saw.

A tag here is `"state"` or `"state.whole"`, each a hash. Some members of a thing change by what others do, and no
update of the thing overwrites them: whether a user is online, how many members a group has. A read is only then the
same when they are the same as well (`whole`), but who updates does not lose anybody's update because of them.
"""

import base64
import hashlib
import re
from collections.abc import Collection, Iterator

import orjson

ANY = "*"

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def entity_tag(body: bytes, volatile: Collection[str]) -> str:
    """Return the tag of a body. `volatile` are those of its members that no update overwrites."""
    whole = _hash(body)
    if not volatile:
        return f'"{whole}"'
    members = orjson.loads(body)
    kept = {name: value for name, value in members.items() if name not in volatile}
    return f'"{_hash(orjson.dumps(kept))}.{whole}"'


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
