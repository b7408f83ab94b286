"""Runs Schemathesis against a server, as two people who share nothing."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import people
from parley.contract.document import Document, operations_of, resolve
from people import Person
from servers import ROOT, Server, environment
from story import Story
from versions import V1, LetIn, Version, nobody
from webhook_calls import try_out, webhook

PHASES = ("examples", "coverage", "fuzzing", "stateful")

# The examples are sent as they are: with the ids that it saw elsewhere it would delete what they are about.
_SETTINGS = """
[auth.wfc]
path = "users.yaml"
peers = {users}

[phases.examples]
extra-data-sources = {{ responses = false }}
"""

_FINDING = re.compile(r"^  ❌ (ST\d+) .*: \d+$", re.MULTILINE)


_PLACE = re.compile(r"^_+ ([A-Z]+ /\S*) _+$|^- (\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Fuzzed:
    """What came of a run: its exit code, the codes of what was found (`st explain ST101`), and all it said."""

    status: int
    findings: frozenset[str]
    output: str

    @property
    def places(self) -> set[tuple[str, str]]:
        """Return where something was found, and what."""
        found, place = set(), ""
        for operation, finding in _PLACE.findall(self.output):
            place = operation or place
            if finding:
                found.add((place, finding))
        return found


def fuzz(
    server: Server,
    directory: Path,
    *,
    receiver: str,
    seed: int,
    examples: int,
    phases: Sequence[str] = PHASES,
    operations: Sequence[str] = (),
    version: Version = V1,
    let_in: LetIn = nobody,
) -> Fuzzed:
    """Tell the server a document's story, then let Schemathesis ask it whatever the document allows.

    `examples` is how many cases it makes for each operation and phase, and `receiver` where webhooks lead.
    `let_in` gives the people of the story access to the version.
    """
    with version.client(server.url, let_in) as http:
        story = Story(http, receiver)
        eve = people.register(http, "eve")
        document = _with_own_examples(story, version.document)
    _write_setup(directory, server.url, {"ada": story.ada, "eve": eve}, document)
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", "schemathesis.toml", "run"),
        *("openapi.json", "--url", f"{server.url}/{version}"),
        *("--seed", str(seed), "--max-examples", str(examples)),
        *("--phases", ",".join(phases), "--checks", "all", "--workers", "1", "--request-timeout", "60"),
        *(part for operation in operations for part in ("--include-operation-id", operation)),
    ]
    variables = {
        "SCHEMATHESIS_HOOKS": "fuzz_hooks",
        "FUZZ_PEOPLE": str(directory / "people.json"),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}",
        "NO_COLOR": "1",
        "COLUMNS": "110",
    }
    finished = subprocess.run(
        command,
        cwd=directory,
        env=environment() | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Fuzzed(finished.returncode, frozenset(_FINDING.findall(finished.stdout)), finished.stdout)


def _with_own_examples(story: Story, told: Document) -> dict[str, Any]:
    """Return the document with examples that are real, and Ada's to do this with.

    Operations delete and give away what they are about, so each has a group and a message of its own.
    """
    document: dict[str, Any] = story.told(told)
    for operation in operations_of(document):
        members = [] if operation.operation_id == "add_member" else [story.bob]
        hook = webhook(story.ada, story.webhook["url"], "webhook.disabled")["id"]
        own = {
            "webhook_id": hook,
            "delivery_id": try_out(story.ada, hook)["id"],
            "group_id": story.ada.found(*members, is_private=False)["id"],
            "message_id": story.ada.say(story.bob)["id"],
            "session_id": story.ada.again().tokens["session_id"],
        }
        if operation.operation_id == "update_user":
            own["user_id"] = story.ada.id
        parameters = [resolve(document, each) for each in operation.raw.get("parameters", ())]
        document["paths"][operation.path][operation.method]["parameters"] = [
            {**each, "example": own[each["name"]]} if each["in"] == "path" and each["name"] in own else each
            for each in parameters
        ]
    return document


def answered(server: Server) -> Mapping[str, set[int]]:
    """Return which statuses each operation of a server has answered with."""
    found: dict[str, set[int]] = {}
    for line in server.answers.read_text().splitlines():
        answer = json.loads(line)
        # Frames of sockets and requests to webhooks are noted there too.
        if "operation" in answer:
            found.setdefault(answer["operation"], set()).add(answer["status"])
    return found


def _write_setup(directory: Path, url: str, users: Mapping[str, Person], document: Any) -> None:
    (directory / "openapi.json").write_text(json.dumps(document))
    known = {name: {"id": person.id, "login": _credentials(person)} for name, person in users.items()}
    (directory / "people.json").write_text(json.dumps({"url": url, "people": known}))
    logins = {"auth": [_login(name, person, url) for name, person in users.items()]}
    # JSON is YAML.
    (directory / "users.yaml").write_text(json.dumps(logins))
    (directory / "schemathesis.toml").write_text(_SETTINGS.format(users=json.dumps(list(users))))


def _credentials(person: Person) -> dict[str, str]:
    return {"email": person.email, "password": people.PASSWORD}


def _login(name: str, person: Person, url: str) -> dict[str, Any]:
    """Say how to log in, in the words of Web Fuzzing Commons."""
    token = {
        "extractFrom": "body",
        "extractSelector": "/access_token",
        "sendIn": "header",
        "sendName": "Authorization",
        "sendTemplate": "Bearer {token}",
    }
    login = {
        "verb": "POST",
        "externalEndpointURL": f"{url}/v1/auth/login",
        "payloadRaw": json.dumps(_credentials(person)),
        "contentType": "application/json",
        "token": token,
    }
    return {"name": name, "loginEndpointAuth": login}
