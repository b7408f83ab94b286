"""Whatever a test lets webhooks be sent is as documented, also where no server is started.

Servers of tests check it themselves (`parley.contract.payloads_seen`). This plugin does so for workers that run in the
process of the test, whichever sender they have.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from parley.contract.payloads_seen import PayloadsChecker

_DOCUMENT = Path(__file__).resolve().parents[2] / "generated" / "openapi.json"


@lru_cache
def checker() -> PayloadsChecker:
    """Return what knows the document."""
    return PayloadsChecker(json.loads(_DOCUMENT.read_text(encoding="utf-8")))


@pytest.fixture(autouse=True)
def _payloads_are_documented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test whose workers make a request that the document does not know."""
    workers = sys.modules.get("parley.webhooks.workers")
    if workers is None:
        yield
        return
    violations: list[str] = []
    signed = workers.signed

    def checked(*arguments: Any, **options: Any) -> tuple[bytes, Mapping[str, str]]:
        body, headers = signed(*arguments, **options)
        event, violation = checker().read(body, headers)
        if violation is not None:
            violations.append(f"{event}: {violation}: {body.decode()[:300]}")
        return body, headers

    monkeypatch.setattr(workers, "signed", checked)
    yield
    assert violations == []
