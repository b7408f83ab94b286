"""Makes every operation of a server succeed once, as people would use it, and judges what it answers.

Schemathesis sends what lies at the edges, which is mostly refused; whether an operation keeps its promises when it does
what it is for is seen here. The people and sessions are the walk's own, so it may log them out.
"""

import json
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from parley.cli.contract_answers import Promises
from parley.cli.contract_finding import Finding
from parley.cli.deployment import Deployment
from parley.cli.remote import Answer
from parley.contract.document import DocumentedOperation, operations_of

# Nothing answers there (RFC 6761), so each delivery fails and can be asked for again.
_DEAD_ADDRESS = "https://contract-check.invalid/webhook"
_SECRET_FIELDS = frozenset(("password", "current_password", "new_password", "refresh_token", "secret"))
_UNSEEN = "no success was seen"
_PATIENCE = 3
_LONGEST_WAIT = 61.0
_REDELIVERIES = 20
_QUICK_REDELIVERIES = 5


@dataclass
class _Outcome:
    """What was seen of one operation."""

    seen: set[int] = field(default_factory=set)
    # What is wrong, and the request that shows it first.
    problems: dict[str, str] = field(default_factory=dict)


def walk_findings(deployment: Deployment) -> Iterator[Finding]:
    """Yield, for each operation that the server documents, whether it was seen to succeed as it says."""
    walk = _Walk(deployment)
    try:
        walk.whole()
    except Exception:
        # What was seen before is told as well; the rest was not asked.
        yield from (each for each in walk.findings() if each.seen or each.problem not in (None, _UNSEEN))
        raise
    yield from walk.findings()


class _Walk:
    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._promises = Promises(deployment.openapi)
        self._operations = {each.operation_id: each for each in operations_of(deployment.openapi)}
        self._outcomes: dict[str, _Outcome] = {}
        self._status = 0

    def findings(self) -> Iterator[Finding]:
        for operation_id, operation in self._operations.items():
            subject = f"{operation.method.upper()} {operation.path}"
            outcome = self._outcomes.get(operation_id)
            if outcome is None:
                yield Finding(subject, left_out="this version of parley does not know how to make it succeed")
            elif outcome.problems:
                yield Finding(subject, "\n".join(f"{told}{curl}" for told, curl in outcome.problems.items()))
            elif not outcome.seen:
                yield Finding(subject, _UNSEEN)
            else:
                yield Finding(subject, seen=" and ".join(map(str, sorted(outcome.seen))))

    def whole(self) -> None:
        """Walk through everything; what is ended comes last."""
        ada, bob = self._person(), self._person()
        token, other = self._session(ada).get("access_token"), self._session(bob).get("access_token")
        self._users(token, ada)
        self._messages(token, other, bob)
        self._groups(token, other, bob)
        self._webhooks(token)
        self.ask("get_limits", token)
        self.ask("get_contract", "")
        self._sessions(ada)

    def ask(
        self, operation_id: str, token: Any, body: Any = None, query: Any = "", **ids: Any
    ) -> dict[str, Any]:
        """Ask one operation, judge it, and return the object that it answers. `token` is "" where none is needed."""
        operation = self._operations.get(operation_id)
        if operation is None:
            # An older server has less.
            return {}
        outcome = self._outcomes.setdefault(operation_id, _Outcome())
        if None in (token, *ids.values(), *(body or {}).values()):
            outcome.problems[f"{_UNSEEN}: what it is about could not be made (see the others)"] = ""
            return {}
        path = operation.path + query
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        answer = self._answered(operation.method.upper(), path, token, body)
        self._status = answer.status
        told = list(self._judged(operation, answer, outcome))
        if told:
            curl = self._curl(operation.method.upper(), path, token, body)
            outcome.problems.setdefault("\n".join(told), f"\nreproduce: {curl}")
        return _object(answer)

    def _judged(self, operation: DocumentedOperation, answer: Answer, outcome: _Outcome) -> Iterator[str]:
        broken = list(self._promises.broken(operation, answer))
        yield from broken
        if 200 <= answer.status < 300:
            if str(answer.status) in operation.raw["responses"]:
                outcome.seen.add(answer.status)
        elif not broken and not (operation.operation_id == "redeliver" and answer.status == 409):
            yield f"promised: {self._promises.successes(operation)} for what is allowed"
            yield f"came:     {answer.status}, {answer.message}"

    def _answered(self, method: str, path: str, token: str, body: Any) -> Answer:
        """Ask, and again where the server says that it was too often."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if method == "POST":
            headers["Idempotency_Key"] = str(uuid4())
        for _ in range(_PATIENCE):
            answer = self._deployment.ask(method, f"/v1{path}", body, **headers)
            if answer.status != 429:
                return answer
            told = answer.headers.get("retry-after", "")
            time.sleep(min(float(told) if told.isdecimal() else _LONGEST_WAIT, _LONGEST_WAIT))
        return self._deployment.ask(method, f"/v1{path}", body, **headers)

    def _curl(self, method: str, path: str, token: str, body: Any) -> str:
        words = ["curl", "-i", "-X", method]
        words += ["-H", "Authorization: Bearer TOKEN"] if token else []
        if body is not None:
            shown = {name: "..." if name in _SECRET_FIELDS else value for name, value in body.items()}
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(shown)]
        return shlex.join((*words, f"{self._deployment.url}/v1{path}"))

    # ---- the parts of the walk

    def _person(self) -> dict[str, Any]:
        name = f"contract_check_{token_hex(6)}"
        credentials = {"email": f"{name}@example.com", "password": token_hex(16)}
        made = self.ask("register_user", "", {**credentials, "username": name})
        return {**credentials, "id": made.get("id")}

    def _session(self, person: Mapping[str, Any]) -> dict[str, Any]:
        return self.ask("login", "", {"email": person["email"], "password": person["password"]})

    def _users(self, token: Any, ada: Mapping[str, Any]) -> None:
        self.ask("get_me", token)
        self.ask("list_users", token, query="?ids={user_id}", user_id=ada["id"])
        self.ask("get_user", token, user_id=ada["id"])
        self.ask(
            "update_user", token, {"display_name": "Ada", "bio": "Looks at contracts"}, user_id=ada["id"]
        )

    def _messages(self, token: Any, other: Any, bob: Mapping[str, Any]) -> None:
        opened = {"user_id": bob["id"]}
        here = {"conversation_id": self.ask("open_conversation", token, opened).get("id")}
        self.ask("open_conversation", token, opened)
        said = self.ask(
            "send_message", token, {"receiver_id": bob["id"], "content": "Hello!", "type": "text"}
        )
        it = {"message_id": said.get("id")}
        self.ask("mark_delivered", other, it, **here)
        self.ask("mark_read", other, it, **here)
        self.ask("list_conversations", token)
        self.ask("get_conversation", token, **here)
        self.ask("list_messages", token)
        self.ask("get_message", token, **it)
        self.ask("edit_message", token, {"content": "Hello again!"}, **it)
        self.ask("list_events", token)
        self.ask("delete_message", token, **it)

    def _groups(self, token: Any, other: Any, bob: Mapping[str, Any]) -> None:
        settings = {"is_private": False}
        made = self.ask("create_group", token, {"name": "Contract check", "settings": settings})
        here = {"group_id": made.get("id")}
        member = {**here, "user_id": bob["id"]}
        self.ask("list_groups", token)
        self.ask("get_group", token, **here)
        self.ask("update_group", token, {"description": "Will be gone soon"}, **here)
        self.ask("add_member", token, {"user_id": bob["id"]}, **here)
        self.ask("list_members", token, **here)
        self.ask("get_member", token, **member)
        self.ask("update_member", token, {"role": "admin"}, **member)
        self.ask("remove_member", token, **member)
        self.ask("join_group", other, **here)
        self.ask("join_group", other, **here)
        self.ask("delete_group", token, **here)

    def _webhooks(self, token: Any) -> None:
        made = self.ask("create_webhook", token, {"url": _DEAD_ADDRESS, "events": ["message.created"]})
        here = {"webhook_id": made.get("id")}
        self.ask("list_webhooks", token)
        self.ask("get_webhook", token, **here)
        self.ask("update_webhook", token, {"events": ["*"]}, **here)
        self.ask("rotate_secret", token, {}, **here)
        delivery = self.ask("test_webhook", token, **here)
        this = {**here, "delivery_id": delivery.get("id")}
        self.ask("list_deliveries", token, **here)
        self.ask("get_delivery", token, **this)
        self._redeliver(token, this)
        self.ask("recover_deliveries", token, {"since": delivery.get("created_at")}, **here)
        self.ask("delete_webhook", token, **here)

    def _redeliver(self, token: Any, this: Mapping[str, Any]) -> None:
        """It is a conflict until the first attempt has failed."""
        for attempt in range(_REDELIVERIES):
            self.ask("redeliver", token, **this)
            if self._status != 409:
                return
            # It may take the server's resolver long to find nothing; the bucket of webhooks holds thirty a minute.
            time.sleep(1 if attempt < _QUICK_REDELIVERIES else 4)

    def _sessions(self, ada: Mapping[str, Any]) -> None:
        """Five a minute are allowed to an account, and as many to a user: this is no more."""
        kept, revoked = self._session(ada), self._session(ada)
        token = kept.get("access_token")
        self.ask("list_sessions", token)
        self.ask("revoke_session", token, session_id=revoked.get("session_id"))
        change = {"current_password": ada["password"], "new_password": token_hex(16)}
        self.ask("change_password", token, change)
        renewed = self.ask("refresh", "", {"refresh_token": kept.get("refresh_token")})
        self.ask("logout", renewed.get("access_token"))


def _object(answer: Answer) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
