"""A request to a server that is looked at: how it is asked, patiently, and how anybody can send it again."""

import json
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from parley.cli.deployment import Deployment
from parley.cli.remote import Answer

_SECRET_FIELDS = frozenset(("password", "current_password", "new_password", "refresh_token", "secret"))
_PATIENCE = 3
_LONGEST_WAIT = 61.0


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked below /v1. `token` is "" where none is sent; headers have `_` for `-`."""

    method: str
    path: str
    token: str = ""
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def answered(self, deployment: Deployment) -> Answer:
        """Ask, and again where the server says that it was too often."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if self.method == "POST":
            headers["Idempotency_Key"] = str(uuid4())
        headers |= self.headers
        for _ in range(_PATIENCE):
            answer = deployment.ask(self.method, f"/v1{self.path}", self.body, **headers)
            if answer.status != 429:
                return answer
            told = answer.headers.get("retry-after", "")
            time.sleep(min(float(told) if told.isdecimal() else _LONGEST_WAIT, _LONGEST_WAIT))
        return deployment.ask(self.method, f"/v1{self.path}", self.body, **headers)

    def curl(self, deployment: Deployment) -> str:
        """Return the command that sends it again, without secrets."""
        words = ["curl", "-i", "-X", self.method]
        words += ["-H", "Authorization: Bearer TOKEN"] if self.token else []
        headers = dict(self.headers)
        if self.body is not None:
            headers.setdefault("Content_Type", "application/json")
        words += [
            word for name, value in headers.items() for word in ("-H", f"{name.replace('_', '-')}: {value}")
        ]
        if isinstance(self.body, Mapping):
            shown = {name: "..." if name in _SECRET_FIELDS else value for name, value in self.body.items()}
            words += ["-d", json.dumps(shown)]
        return shlex.join((*words, f"{deployment.url}/v1{self.path}"))
