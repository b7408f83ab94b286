"""The code generator: strict reading, the same output each time, and stale files that are shown."""

import ast
import inspect
import shutil
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_type_hints
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from generated import models, operations
from parley.model import Caller
from scripts import codegen
from scripts.models_module import models_module
from scripts.specification import BrokenDocument, read_specification

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """What the documents make; a second to make, so it is made once."""
    socket = codegen.read_socket()
    return codegen.generate(socket, codegen.read_second(socket.rest))


@pytest.fixture
def generated(files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of generated/, on which the command works instead."""
    copy = tmp_path / "generated"
    shutil.copytree(ROOT / "generated", copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(codegen, "GENERATED", copy)
    monkeypatch.setattr(codegen, "generate", lambda socket, v2: files)
    return copy


def read(tmp_path: Path, text: str) -> dict[str, Any]:
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return read_specification(path)


# Reading


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "spec.yaml:2:1: the key 'a' stands there twice"),
        ("200: ok\n", "spec.yaml:1:1: the key 200 must be quoted to be a string"),
        ("on: ok\n", "spec.yaml:1:1: the key True must be quoted to be a string"),
        ("when: 2024-03-20T12:00:00Z\n", "spec.yaml:1:7: 2024-03-20T12:00:00Z must be quoted"),
        ("- 1\n", "is not a mapping"),
        ("a: [\n", "while parsing"),
    ],
)
def test_ambiguous_yaml_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """What readers of YAML do not all understand alike is told with its line."""
    with pytest.raises(BrokenDocument) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)


def test_aliases_are_followed(tmp_path: Path) -> None:
    """The examples of the document use them."""
    assert read(tmp_path, "a: &x {b: '1'}\nc: *x\n") == {"a": {"b": "1"}, "c": {"b": "1"}}


# Checking and writing


def test_fresh_files_are_fine(generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed when there is nothing to do."""
    assert codegen.main(["--check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_stale_file_is_shown(generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The difference is printed, with the command that mends it, and nothing is written."""
    stale = generated / "models.py"
    stale.write_text(
        stale.read_text(encoding="utf-8").replace("class Me(", "class Myself("), encoding="utf-8"
    )
    assert codegen.main(["--check"]) == 1
    out, err = capsys.readouterr()
    assert "--- generated/models.py\n" in out
    assert "-class Myself(BaseModel):\n+class Me(BaseModel):\n" in out
    assert "make codegen" in err
    assert "class Myself(" in stale.read_text(encoding="utf-8")


def test_missing_and_foreign_files_are_shown(generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is stale, and so is one that nothing makes any more."""
    (generated / "operations.py").unlink()
    (generated / "leftover.py").write_text("left = 'over'\n", encoding="utf-8")
    assert codegen.main(["--check"]) == 1
    out = capsys.readouterr().out
    assert "+class Auth(Protocol):\n" in out
    assert "-left = 'over'\n" in out


def test_writing_mends(generated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After the command that is recommended the check is content."""
    shutil.rmtree(generated)
    assert codegen.main([]) == 0
    assert codegen.main(["--check"]) == 0
    for path in generated.iterdir():
        assert path.read_bytes() == (ROOT / "generated" / path.name).read_bytes()


def test_broken_document_writes_nothing(
    generated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rule that is broken is told by its sentence, before anything is touched."""
    text = codegen.SPECIFICATION.read_text(encoding="utf-8").replace("summary: Show a user.", "summary: show")
    broken = tmp_path / "openapi.yaml"
    broken.write_text(text, encoding="utf-8")
    monkeypatch.setattr(codegen, "SPECIFICATION", broken)
    shutil.rmtree(generated)
    assert codegen.main([]) == 1
    assert "get_user (GET /users/{user_id}): summary is not a sentence" in capsys.readouterr().err
    assert not generated.exists()


def test_it_runs_as_a_bare_script(tmp_path: Path) -> None:
    """From any directory, without the checkout being installed."""
    command = [sys.executable, str(ROOT / "scripts" / "codegen.py"), "--check"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (0, ""), finished.stderr


# What is made


def test_method_has_what_the_operation_takes() -> None:
    """Names are Python's, types are those of the values, defaults are the document's, all by keyword."""
    signature = inspect.signature(operations.Messages.list_messages)
    hints = get_type_hints(operations.Messages.list_messages)
    kinds = {each.kind for name, each in signature.parameters.items() if name != "self"}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}
    assert signature.parameters["limit"].default == 50
    assert signature.parameters["before"].default is None
    assert signature.parameters["caller"].default is inspect.Parameter.empty
    assert hints["from_"] == date | datetime | None
    assert hints["type_"] == Literal["text", "image", "video", "audio", "file"] | None
    assert (hints["sender_id"], hints["caller"]) == (UUID | None, Caller)


def test_choice_of_bodies_is_a_union() -> None:
    """The body of an operation may be one of several models; pydantic finds the one it is."""
    body: TypeAdapter[Any] = TypeAdapter(get_type_hints(operations.Messages.send_message)["body"])
    user_id = "019d0a68-d8c7-7351-9df2-ab0b5f6a1a54"
    sent = body.validate_python({"conversation_id": user_id, "content": "Hello"})
    assert type(sent) is models.TextToConversation
    assert sent.type == "text"
    with pytest.raises(ValidationError):
        body.validate_python({"conversation_id": user_id, "receiver_id": user_id, "content": "Hello"})


def test_null_and_absent_are_told_apart() -> None:
    """Null clears a field, leaving it out keeps it."""
    cleared = models.UpdateUser.model_validate({"bio": None})
    assert cleared.model_dump(exclude_unset=True) == {"bio": None}


def test_models_leave_addresses_to_the_validator() -> None:
    """An address on a reserved domain is one; pydantic's own type would refuse it."""
    address = "ada@parley.test"
    assert models.Credentials.model_validate({"email": address, "password": "x"}).email == address


def test_generated_code_is_what_python_reads() -> None:
    """Each Protocol names a tag and has the operations of it."""
    tree = ast.parse((ROOT / "generated" / "operations.py").read_text(encoding="utf-8"))
    made = {
        node.name.lower(): [each.name for each in node.body if isinstance(each, ast.AsyncFunctionDef)]
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    document = read_specification(codegen.SPECIFICATION)
    wanted: dict[str, list[str]] = {}
    for item in document["paths"].values():
        for operation in item.values():
            wanted.setdefault(operation["tags"][0], []).append(operation["operationId"])
    assert made == wanted


def test_models_are_the_same_each_time(files: dict[str, str]) -> None:
    """Neither the time nor the directory nor the order of a hash table is in them."""
    again = models_module(read_specification(codegen.SPECIFICATION), f"# {codegen.ORIGIN}")
    assert again == files["models.py"]
