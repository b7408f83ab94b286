"""Files that keep tokens and cursors."""

import stat
from pathlib import Path

import pytest
from parley_sdk import FileCursorStore, FileTokenStore, Tokens


def test_tokens_are_for_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    store = FileTokenStore(path)
    assert store.load() is None
    tokens = Tokens("a", "r", 1.5, 3600)
    store.save(tokens)
    assert FileTokenStore(path).load() == tokens
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.clear()
    store.clear()
    assert store.load() is None
    assert list(tmp_path.iterdir()) == []


def test_cursors_can_be_forgotten(tmp_path: Path) -> None:
    store = FileCursorStore(tmp_path / "cursor")
    assert store.load() is None
    store.save("c1")
    assert store.load() == "c1"
    store.save(None)
    assert store.load() is None


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "{}", '{"access_token": 5}', "\u0000"])
def test_a_file_without_a_session_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)
    assert FileTokenStore(path).load() is None


@pytest.mark.parametrize("damaged", [b"\xff\xfe\x00abc", b"c1\x80"])
def test_a_damaged_cursor_is_one_that_the_server_refuses(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "cursor"
    path.write_bytes(damaged)
    cursor = FileCursorStore(path).load()
    assert cursor is not None
    assert "\ufffd" in cursor
