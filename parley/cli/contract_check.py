"""Holds a running server against the contract that it publishes itself: its documents, REST, and the socket."""

import hashlib
import json
from collections.abc import Iterator

from parley.cli.contract_finding import Finding, Report, unforeseen
from parley.cli.contract_refusals import refusal_findings
from parley.cli.contract_rest import find_schemathesis, rest_findings
from parley.cli.contract_socket import SOCKET_CHECKS, SocketCheck
from parley.cli.contract_walk import walk_findings
from parley.cli.deployment import Deployment
from parley.cli.outcomes import Refused, Surroundings


def hold_to_contract(url: str, *, expect: str | None, seed: int) -> Report:
    """Look at everything. Raises Refused or Surroundings where not even the documents can be had."""
    deployment = Deployment(url)
    report = Report(f"{deployment.url} says that it keeps {deployment.published['version']}.")
    report.add("The documents", lambda: _documents(deployment, expect))
    if expect not in (None, deployment.header):
        # The client was made for something else, so it does not matter whether that is kept.
        return report
    find_schemathesis()
    report.add("REST: each operation, used as it is meant", lambda: walk_findings(deployment))
    if report.add("Accounts for what follows", lambda: _settled(deployment)):
        report.add("REST: what is refused, and how", lambda: refusal_findings(deployment))
        report.add("REST: what is at the edges, by Schemathesis", lambda: rest_findings(deployment, seed))
        report.add("The socket", lambda: (_looked_at(deployment, check) for check in SOCKET_CHECKS))
        report.add("The end", lambda: _left(deployment))
    return report


def _settled(deployment: Deployment) -> Iterator[Finding]:
    deployment.settle()
    yield Finding("two people, a group and a message can be made")


def _left(deployment: Deployment) -> Iterator[Finding]:
    deployment.leave()
    yield from ()


def _documents(deployment: Deployment, expect: str | None) -> Iterator[Finding]:
    shown = deployment.published
    for name in ("openapi", "asyncapi"):
        real = hashlib.sha256(deployment.documents[name]).hexdigest()
        yield _same(f"/{name}.json has the hash that GET /v1/contract tells", shown[f"{name}_sha256"], real)
        version = json.loads(deployment.documents[name])["info"]["version"]
        yield _same(f"/{name}.json is of the version that GET /v1/contract tells", shown["version"], version)
    digits = f"{shown['openapi_sha256'][:12]}.{shown['asyncapi_sha256'][:12]}"
    yield _same("X-Contract says the same in short", deployment.header, f"{shown['version']}+{digits}")
    if expect is not None:
        yield _same("It is the contract that was expected", deployment.header, expect)


def _same(subject: str, said: str, real: str) -> Finding:
    return Finding(subject, None if said == real else f"{said} should be {real}")


def _looked_at(deployment: Deployment, check: SocketCheck) -> Finding:
    try:
        return Finding(check.subject, check.look(deployment))
    except Surroundings:
        raise
    except Refused as error:
        return Finding(check.subject, str(error))
    except Exception as error:  # A server may answer anything; the other checks are worth having.
        return Finding(check.subject, unforeseen(error))
