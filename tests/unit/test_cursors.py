"""Cursors of the log: opaque, short, and not to be made up."""

import base64
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parley import cursors
from parley.cursors import Cursor, ForgedCursor, decode, epoch_of

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

epochs = st.binary(min_size=4, max_size=4)
positions = st.integers(min_value=0, max_value=2**63 - 1)


@given(epochs, positions)
@example(b"\0\0\0\0", 0)
@example(b"\xff\xff\xff\xff", 2**63 - 1)
def test_round_trip(epoch: bytes, position: int) -> None:
    """A cursor is read as what it was made from, and needs no escaping in a URL."""
    text = Cursor(epoch, position).encode()
    assert re.fullmatch(r"[A-Za-z0-9_-]{23}", text)
    assert decode(text) == Cursor(epoch, position)


@given(epochs, positions, st.data())
def test_changed_cursors_are_refused(epoch: bytes, position: int, data: st.DataObject) -> None:
    """Whatever one character is changed to, left out or added, it is no cursor any more."""
    text = Cursor(epoch, position).encode()
    place = data.draw(st.integers(0, len(text) - 1))
    for other in ALPHABET.replace(text[place], ""):
        with pytest.raises(ForgedCursor):
            decode(text[:place] + other + text[place + 1 :])
        with pytest.raises(ForgedCursor):
            decode(text[:place] + other + text[place:])
    with pytest.raises(ForgedCursor):
        decode(text[:place] + text[place + 1 :])


def test_every_changed_byte_is_refused() -> None:
    """All 255 other values of each byte of the signed part, in every place, and every change of the checksum."""
    raw = base64.urlsafe_b64decode(Cursor(b"abcd", 123456789).encode() + "=")
    for place in range(len(raw)):
        for value in set(range(256)) - {raw[place]}:
            changed = raw[:place] + bytes([value]) + raw[place + 1 :]
            with pytest.raises(ForgedCursor):
                decode(base64.urlsafe_b64encode(changed).rstrip(b"=").decode())


@given(st.text(max_size=300))
@example("")
@example(cursors.START)
@example("A" * 23)
@example("=" * 23)
@example("\ud800")
@example("ａ" * 23)
def test_other_strings_are_refused(text: str) -> None:
    """Any other string is refused as forged and never fails otherwise; the start is told apart by its users."""
    with pytest.raises(ForgedCursor):
        decode(text)


def test_other_spellings_are_refused() -> None:
    """The same bytes with padding, in the other alphabet or with stray bits are not the cursor."""
    text = Cursor(b"\xff\xff\xff\xff", 2**62).encode()
    assert {"-", "_"} & set(text)
    spellings = [text + "=", text.replace("-", "+").replace("_", "/"), f" {text}", f"{text}\n"]
    # Of the last character's six bits two are beyond the last byte.
    stray = ALPHABET[ALPHABET.index(text[-1]) ^ 1]
    for spelling in (*spellings, text[:-1] + stray):
        with pytest.raises(ForgedCursor):
            decode(spelling)


def test_epochs_are_told_apart() -> None:
    """Each part of an epoch counts: the database, its timeline, its name, and how often it was set back."""
    known = {
        epoch_of(epoch)
        for epoch in (
            "1/00000001/parley/0",
            "2/00000001/parley/0",
            "1/00000002/parley/0",
            "1/00000001/parley/1",
        )
    }
    assert len(known) == 4
    assert epoch_of("1/00000001/parley/0") == epoch_of("1/00000001/parley/0")
