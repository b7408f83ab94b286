"""Asks every operation of a server, by Schemathesis, and reports what it answers that its document does not allow.

Its checks are those that need no knowledge beyond the document. They send the document's own examples and what lies
at the edges of each schema; where the server counts requests, only what the document allows.
"""

import copy
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from parley.cli.contract_finding import Finding, shortened
from parley.cli.deployment import Deployment
from parley.cli.outcomes import Surroundings
from parley.contract.document import operations_of, resolve

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "allow_header_conformance",
)
# They would end the session that asks, or draw from the few requests that may log in; the walk asks them.
_LEFT_OUT = frozenset(("login", "refresh", "logout", "revoke_session", "change_password"))
# The examples are sent as they are: with ids that were seen elsewhere they would be about something else.
# The token stands in a file, since every user of the machine sees the options of a command.
_SETTINGS = """\
headers = {{ Authorization = "Bearer {token}" }}
{trusted}

[phases.examples]
extra-data-sources = {{ responses = false }}
"""
# Beside the settings. Schemathesis has a list of its own of whom it trusts.
_AUTHORITIES = "authorities.pem"
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)
# What it calls a request that nobody answered. It is told of the operation, and is no answer that could be wrong.
_UNANSWERED = frozenset(("Network Error", "Unhealthy API", "Unresponsive Operation", "Server Unavailable"))
_MAX_SECONDS = 900
# Further failures of one operation are mostly the same one.
_FAILURES_TOLD = 3
_TITLE = re.compile(r"- (?:ST\d+ )?(.+)")
_INDENT = 4
_NOT_LISTED = " is not one of "
_STATUS = re.compile(r"\[(\d{3})\]")


def rest_findings(deployment: Deployment, seed: int) -> Iterator[Finding]:
    """Yield each operation that was asked, and what is wrong with its answers."""
    with tempfile.TemporaryDirectory(prefix="parley-contract-") as name:
        directory = Path(name)
        (directory / "openapi.json").write_text(json.dumps(_with_own_examples(deployment)))
        trusted = ""
        if deployment.url.startswith("https:") and (authorities := _authorities()):
            (directory / _AUTHORITIES).write_bytes(authorities)
            trusted = f'tls-verify = "{_AUTHORITIES}"'
        settings = _SETTINGS.format(token=deployment.people[0].token, trusted=trusted)
        (directory / "schemathesis.toml").write_text(settings)
        _run(deployment, directory, seed)
        yield from _read(deployment, directory / "report.xml")


def _run(deployment: Deployment, directory: Path, seed: int) -> None:
    # Requests that are to be refused are most of them.
    mode = "positive" if _counts_requests(deployment) else "all"
    command = [
        *(find_schemathesis(), "--config-file", "schemathesis.toml", "run", "openapi.json"),
        *(
            "--url",
            f"{deployment.url}/v1",
            "--seed",
            str(seed),
            "--phases",
            "examples,coverage",
            "--mode",
            mode,
        ),
        *("--checks", ",".join(_CHECKS), "--request-timeout", "30", "--rate-limit", "auto"),
        *("--max-time", str(_MAX_SECONDS), "--continue-on-failure", "--report-junit-path", "report.xml"),
        *(part for operation in _LEFT_OUT for part in ("--exclude-operation-id", operation)),
    ]
    done = subprocess.run(
        command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1) or not (directory / "report.xml").exists():
        raise Surroundings(f"Schemathesis does not work here:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _authorities() -> bytes:
    """Return the certificates that every other part of the check trusts; nothing where the system tells no files."""
    paths = ssl.get_default_verify_paths()
    files = [Path(paths.cafile)] if paths.cafile else []
    if paths.capath:
        files += sorted(
            each for each in Path(paths.capath).iterdir() if each.is_file() and os.access(each, os.R_OK)
        )
    # Most of them are there under several names, and once more in a file of all.
    return b"\n".join({found: None for file in files for found in _CERTIFICATE.findall(file.read_bytes())})


def find_schemathesis() -> str:
    """Return the program. Raises Surroundings where there is none."""
    beside = Path(sys.executable).with_name("schemathesis")
    program = str(beside) if beside.exists() else shutil.which("schemathesis")
    if program is None:
        raise Surroundings('Schemathesis is not installed: pip install "parley[check]" installs it.')
    return program


def _counts_requests(deployment: Deployment) -> bool:
    """Say whether one request takes from what is left."""
    left = [
        deployment.people[1].ask("GET", "/limits").headers.get("x-ratelimit-remaining", "") for _ in range(2)
    ]
    return all(each.isdecimal() for each in left) and int(left[1]) < int(left[0])


def _with_own_examples(deployment: Deployment) -> dict[str, Any]:
    """Return the document whose paths lead to what there is, so that more than refusals are seen."""
    document = copy.deepcopy(deployment.openapi)
    ada, bob = deployment.people
    own = {
        "group_id": deployment.group_id,
        "message_id": deployment.message["id"],
        "conversation_id": deployment.message["conversation_id"],
        "user_id": ada.user_id,
    }
    for operation in operations_of(document):
        raw = document["paths"][operation.path][operation.method]
        # What is deleted or left by one operation is not there for the next.
        known = {} if operation.method == "delete" else own
        parameters = [
            resolve(document, each) for each in (*operation.path_parameters, *raw.get("parameters", ()))
        ]
        raw["parameters"] = [
            {**each, "example": known[each["name"]]}
            if each["in"] == "path" and each["name"] in known
            else each
            for each in parameters
        ]
    # Names and addresses of other people are taken.
    text = json.dumps(document).replace("019d0a6b-4f42-7c0f-8c5c-2e7c6f7ba1a7", bob.user_id)
    told: dict[str, Any] = json.loads(text)
    return told


def _read(deployment: Deployment, report: Path) -> Iterator[Finding]:
    """Yield what the report says of each operation. Raises Surroundings where the server did not answer some."""
    problems: dict[str, list[str]] = {}
    unanswered: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - Schemathesis wrote it a moment ago
        name = case.get("name", "")
        told = problems.setdefault(name, [])
        for each in (*case.iter("failure"), *case.iter("error")):
            text = each.text or each.get("message") or ""
            if each.tag == "error" and text.partition("\n")[0].strip() in _UNANSWERED:
                unanswered[name] = text
            else:
                told.append(text)
    for operation in operations_of(deployment.openapi):
        name = f"{operation.method.upper()} {operation.path}"
        if operation.operation_id in _LEFT_OUT:
            yield Finding(name, left_out="asked above only: it is about the session that asks")
        elif name in unanswered and not problems[name]:
            yield Finding(name, left_out="Schemathesis got no answer to a request")
        elif name not in problems:
            yield Finding(name, left_out="Schemathesis did not ask it")
        else:
            yield Finding(name, "\n".join(in_short(problems[name])) or None)
    if unanswered:
        reasons = dict.fromkeys(_reason(text) for text in unanswered.values())
        raise Surroundings("\n".join(("Schemathesis got no answer:", *[*reasons][:_FAILURES_TOLD])))


def _reason(text: str) -> str:
    """Return in a line why nobody answered: what stands below the title, before how to try it again."""
    _, _, rest = re.split(r"(?m)^(?:Reproduce with|Tip):", text)[0].partition("\n")
    return shortened(rest)


def in_short(told: list[str]) -> Iterator[str]:
    """Yield the lines that say what is wrong: of a text with several cases, of the first ones."""
    cases = [
        case for text in told for case in re.split(r"(?m)^\s*\d+\. Test Case ID:.*$", text) if case.strip()
    ]
    for case in cases[:_FAILURES_TOLD]:
        yield from dict.fromkeys(_of_a_case(case))
    if len(cases) > _FAILURES_TOLD:
        yield f"and {len(cases) - _FAILURES_TOLD} more like these"


def _of_a_case(case: str) -> Iterator[str]:
    """Yield what was promised, what came, and how to see it again."""
    # What is indented below a line belongs to it; a schema is not told but named.
    about: str | None = None
    came: list[str] = []
    for raw in case.splitlines():
        line = raw.strip()
        if line and about in ("schema", "value") and len(raw) - len(raw.lstrip()) <= _INDENT:
            about = None
        if title := _TITLE.match(raw):
            about = None
            yield f"{title[1]}:"
        elif status := _STATUS.match(line):
            about = "came"
            came.append(status[1])
        elif line.startswith("Reproduce with"):
            if came:
                yield f"  came:      {shortened(' '.join(came))}"
            about, came = "reproduce", []
        elif line.startswith("Tip:"):
            # It is of options that are not ours.
            about = "tip"
        elif line.startswith("Schema at "):
            about = "schema"
            yield f"  promised:  {line.removeprefix('Schema at ').rstrip(':')}"
        elif line == "Value:":
            about = "value"
        elif about == "came":
            came.append(line.strip("`"))
        elif about is None and line and not line.startswith("Validated against"):
            value, is_of_a_list, _ = line.partition(_NOT_LISTED)
            # Half of a long list of values helps nobody.
            told = f"{value}{_NOT_LISTED}the values that are listed" if is_of_a_list else line
            yield f"  {shortened(told)}"
        elif line and about == "value":
            yield f"  value:     {shortened(line)}"
            about = "schema"
        elif line and about == "reproduce":
            yield f"  reproduce: {line}"
    if came:
        yield f"  came:      {shortened(' '.join(came))}"
