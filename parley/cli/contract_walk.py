"""Makes every operation of a server succeed once, as people would use it, and judges what it answers.

Schemathesis sends what lies at the edges, which is mostly refused; whether an operation keeps its promises when it does
what it is for is seen here. The people and sessions are the walk's own, so it may log them out.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from parley.cli.contract_answers import Promises
from parley.cli.contract_finding import Finding, shortened
from parley.cli.contract_request import Request
from parley.cli.deployment import Deployment
from parley.cli.remote import Answer
from parley.contract.document import DocumentedOperation, operations_of

# Nothing answers there (RFC 6761), so each delivery fails and can be asked for again.
_DEAD_ADDRESS = "https://contract-check.invalid/webhook"
_UNSEEN = "no success was seen"
_REDELIVERIES = 20
_QUICK_REDELIVERIES = 5
# They answer with the thing as it is now, so what was sent stands in it.
_SHOW_WHAT_WAS_SENT = frozenset(
    (
        *("send_message", "edit_message", "update_user", "create_group", "update_group", "update_member"),
        *("create_webhook", "update_webhook"),
    )
)


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
        self._promises = Promises(deployment.openapi, deployment.header)
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
        self, operation_id: str, token: Any, body: Any = None, query: Any = "", lists: Any = "", **ids: Any
    ) -> dict[str, Any]:
        """Ask one operation, judge it, and return the object that it answers. `token` is "" where none is needed.

        `lists` is the id of what must be in the list that it answers.
        """
        operation = self._operations.get(operation_id)
        if operation is None:
            # An older server has less.
            return {}
        outcome = self._outcomes.setdefault(operation_id, _Outcome())
        if None in (token, lists, *ids.values(), *(body or {}).values()):
            outcome.problems[f"{_UNSEEN}: what it is about could not be made (see the others)"] = ""
            return {}
        path = operation.path + query
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        request = Request(operation.method.upper(), path, token, body)
        answer = request.answered(self._deployment)
        self._status = answer.status
        told = list(self._judged(operation, answer, outcome, body, lists))
        if told:
            curl = request.curl(self._deployment)
            outcome.problems.setdefault("\n".join(told), f"\nreproduce: {curl}")
        return _object(answer)

    def _judged(
        self, operation: DocumentedOperation, answer: Answer, outcome: _Outcome, sent: Any, listed: str
    ) -> Iterator[str]:
        broken = list(self._promises.broken(operation, answer))
        yield from broken
        if 200 <= answer.status < 300:
            if str(answer.status) in operation.raw["responses"]:
                outcome.seen.add(answer.status)
            if operation.operation_id in _SHOW_WHAT_WAS_SENT:
                yield from _lost(sent, _object(answer))
            if listed and listed not in answer.body.decode(errors="replace"):
                yield f"promised: a list in which {listed} is, which there is"
                yield f"came:     {shortened(answer.body.decode(errors='replace'))}"
        elif not broken and not (operation.operation_id == "redeliver" and answer.status == 409):
            yield f"promised: {self._promises.successes(operation)} for what is allowed"
            yield f"came:     {answer.status}, {answer.message}"

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
        self.ask("list_users", token, query="?ids={user_id}", lists=ada["id"], user_id=ada["id"])
        self.ask("get_user", token, user_id=ada["id"])
        self.ask(
            "update_user", token, {"display_name": "Ada", "bio": "Looks at contracts"}, user_id=ada["id"]
        )

    def _messages(self, token: Any, other: Any, bob: Mapping[str, Any]) -> None:
        opened = {"user_id": bob["id"]}
        here = {"conversation_id": self.ask("open_conversation", token, opened).get("id")}
        self.ask("open_conversation", token, opened)
        before = self.ask("list_events", token).get("next_cursor")
        said = self.ask(
            "send_message", token, {"receiver_id": bob["id"], "content": "Hello!", "type": "text"}
        )
        it = {"message_id": said.get("id")}
        self.ask("mark_delivered", other, it, **here)
        self.ask("mark_read", other, it, **here)
        self.ask("list_conversations", token, lists=here["conversation_id"])
        self.ask("get_conversation", token, **here)
        self.ask("list_messages", token, lists=it["message_id"])
        self.ask("get_message", token, **it)
        self.ask("edit_message", token, {"content": "Hello again!"}, **it)
        self.ask("list_events", token, query="?after={after}", lists=it["message_id"], after=before)
        self.ask("delete_message", token, **it)

    def _groups(self, token: Any, other: Any, bob: Mapping[str, Any]) -> None:
        settings = {"is_private": False}
        made = self.ask("create_group", token, {"name": "Contract check", "settings": settings})
        here = {"group_id": made.get("id")}
        member = {**here, "user_id": bob["id"]}
        self.ask("list_groups", token, lists=here["group_id"])
        self.ask("get_group", token, **here)
        self.ask("update_group", token, {"description": "Will be gone soon"}, **here)
        self.ask("add_member", token, {"user_id": bob["id"]}, **here)
        self.ask("list_members", token, lists=bob["id"], **here)
        self.ask("get_member", token, **member)
        self.ask("update_member", token, {"role": "admin"}, **member)
        self.ask("remove_member", token, **member)
        self.ask("join_group", other, **here)
        self.ask("join_group", other, **here)
        self.ask("delete_group", token, **here)

    def _webhooks(self, token: Any) -> None:
        made = self.ask("create_webhook", token, {"url": _DEAD_ADDRESS, "events": ["message.created"]})
        here = {"webhook_id": made.get("id")}
        self.ask("list_webhooks", token, lists=here["webhook_id"])
        self.ask("get_webhook", token, **here)
        self.ask("update_webhook", token, {"events": ["*"]}, **here)
        self.ask("rotate_secret", token, {}, **here)
        delivery = self.ask("test_webhook", token, **here)
        this = {**here, "delivery_id": delivery.get("id")}
        self.ask("list_deliveries", token, lists=this["delivery_id"], **here)
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
        self.ask("list_sessions", token, lists=revoked.get("session_id"))
        self.ask("revoke_session", token, session_id=revoked.get("session_id"))
        change = {"current_password": ada["password"], "new_password": token_hex(16)}
        self.ask("change_password", token, change)
        renewed = self.ask("refresh", "", {"refresh_token": kept.get("refresh_token")})
        self.ask("logout", renewed.get("access_token"))


def _lost(sent: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was sent and does not stand in what is shown, where a profile may hold it."""
    profile = shown.get("profile")
    for name, value in sent.items():
        place = profile if name not in shown and isinstance(profile, Mapping) else shown
        if not _holds(place.get(name), value):
            yield f"promised: {name} as it was sent, {shortened(repr(value))}"
            yield f"came:     {shortened(repr(place.get(name)))}"


def _holds(shown: Any, sent: Any) -> bool:
    """Say whether something is shown as it was sent; an object may have more members than were sent."""
    if isinstance(sent, Mapping) and isinstance(shown, Mapping):
        return all(_holds(shown.get(name), value) for name, value in sent.items())
    return bool(shown == sent)


def _object(answer: Answer) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
