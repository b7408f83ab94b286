"""Holds a running server against the contract that it publishes itself: its documents, REST, and the socket."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from parley.cli.contract_rest import rest_findings
from parley.cli.contract_socket import SOCKET_CHECKS, SocketCheck
from parley.cli.deployment import Deployment

_WIDTH = 72


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what is wrong with it, if anything is."""

    subject: str
    problem: str | None = None


@dataclass
class Report:
    """What was found, by section, to be read by people."""

    title: str
    sections: dict[str, list[Finding]] = field(default_factory=dict)

    @property
    def is_kept(self) -> bool:
        """Say whether nothing was wrong."""
        return not self.problems

    @property
    def problems(self) -> list[Finding]:
        """Return what was wrong."""
        return [each for section in self.sections.values() for each in section if each.problem is not None]

    def text(self) -> str:
        """Return it as text, a line for each thing that was looked at."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.title
        for name, findings in self.sections.items():
            yield f"\n{name}"
            for each in findings:
                yield f"  {'ok  ' if each.problem is None else 'FAIL'}  {each.subject}"
                if each.problem is not None:
                    yield from (f"          {line}" for line in each.problem.splitlines())
        looked_at = sum(map(len, self.sections.values()))
        yield "\n" + "-" * _WIDTH
        if self.is_kept:
            yield f"The contract is kept: {looked_at} things were looked at."
        else:
            yield f"The contract is NOT kept: {len(self.problems)} of {looked_at} things are not as it says."


def hold_to_contract(url: str, *, expect: str | None, seed: int) -> Report:
    """Look at everything. Raises Refused or Surroundings where that cannot be done."""
    deployment = Deployment(url)
    report = Report(f"{deployment.url} says that it keeps {deployment.published['version']}.")
    report.sections["The documents"] = list(_documents(deployment, expect))
    if expect not in (None, deployment.header):
        # The client was made for something else, so it does not matter whether that is kept.
        return report
    deployment.settle()
    report.sections["REST"] = [Finding(*each) for each in rest_findings(deployment, seed)]
    report.sections["The socket"] = [_looked_at(deployment, check) for check in SOCKET_CHECKS]
    deployment.leave()
    return report


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
    looks: Callable[[Deployment], str | None] = check.look
    return Finding(check.subject, looks(deployment))
