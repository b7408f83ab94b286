"""Every operation for every kind of caller, as the table in `authorization.py` says."""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import httpx
import pytest

from calls import OPERATIONS
from parley.contract.errors import STATUS_OF_CODE
from people import expired, log_in, register, unique
from receivers import Receiver
from tests.contract.authorization import BODIES, CALLERS, ROWS, USES_UP_THE_SESSION, Row
from webhook_calls import try_out, webhook


class Cast:
    """The people of the table. They stay; what they do things with is made anew for each cell."""

    def __init__(self, http: httpx.Client, receiver: str) -> None:
        self.http = http
        self.receiver = receiver
        self.people = {
            name: register(http, name) for name in ("outsider", "member", "admin", "owner", "other")
        }
        ended = self.people["owner"].again()
        assert ended.post("/auth/logout").status_code == 204
        self.revoked = ended.headers
        token = self.people["owner"].tokens["access_token"]
        self.expired = {"Authorization": f"Bearer {expired(token)}"}

    def headers(self, caller: str, *, own_session: bool) -> Mapping[str, str]:
        """What the caller sends to say who they are."""
        if caller == "nobody":
            return {}
        if caller in ("expired", "revoked"):
            return self.expired if caller == "expired" else self.revoked
        person = self.people[caller]
        return person.again().headers if own_session else person.headers


class Scene:
    """What stands in braces in the table: made when a row asks for it."""

    def __init__(self, cast: Cast, caller: str) -> None:
        self.receiver = cast.receiver
        self._people = cast.people
        self._http = cast.http
        self._caller = self._people.get(caller, self._people["owner"])

    def __getitem__(self, name: str) -> str:
        person = self._people.get(name)
        return person.id if person is not None else str(getattr(self, name))

    def _make_group(self, **settings: bool) -> str:
        owner, admin = self._people["owner"], self._people["admin"]
        group_id: str = owner.found(admin, self._people["member"], **settings)["id"]
        assert owner.patch(f"/groups/{group_id}/members/{admin.id}", {"role": "admin"}).is_success
        return group_id

    @cached_property
    def group(self) -> str:
        return self._make_group(is_private=True)

    @cached_property
    def closed(self) -> str:
        return self._make_group(is_private=True, allow_invites=False)

    @cached_property
    def public(self) -> str:
        return self._make_group(is_private=False)

    @cached_property
    def message(self) -> Any:
        return self._people["member"].say(self.group)["id"]

    @cached_property
    def notice(self) -> Any:
        return self._people["owner"].say(self.group)["id"]

    @cached_property
    def _said(self) -> dict[str, Any]:
        return self._people["owner"].say(self._people["other"])

    @property
    def said(self) -> Any:
        return self._said["id"]

    @property
    def direct(self) -> Any:
        return self._said["conversation_id"]

    @cached_property
    def stranger(self) -> str:
        return register(self._http, "stranger").id

    @property
    def owners_email(self) -> str:
        return self._people["owner"].email

    @cached_property
    def new_name(self) -> str:
        return unique("new")

    @property
    def refresh(self) -> Any:
        return log_in(self._http, self.owners_email)["refresh_token"]

    @property
    def session(self) -> Any:
        return self._caller.again().tokens["session_id"]

    @cached_property
    def webhook(self) -> Any:
        return webhook(self._people["owner"], self.receiver, "webhook.disabled")["id"]

    @cached_property
    def delivery(self) -> Any:
        return try_out(self._people["owner"], self.webhook)["id"]

    @property
    def foreign(self) -> Any:
        return self._people["owner"].again().tokens["session_id"]


def filled(text: str, scene: Scene) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: scene[found[1]], text)


@pytest.fixture(scope="module")
def cast(http: httpx.Client, receiver: Receiver) -> Cast:
    return Cast(http, receiver.url)


def test_every_operation_is_in_the_table() -> None:
    """A new operation needs a row, and a row an operation with that method and path."""
    assert {row.operation for row in ROWS} == OPERATIONS.keys()
    for row in ROWS:
        documented = OPERATIONS[row.operation]
        pattern = re.sub(r"\{\w+\}", "[^/]+", documented.path)
        assert documented.method == row.method.lower()
        assert re.fullmatch(pattern, row.path.partition("?")[0])
        assert len(row.statuses) == len(CALLERS)
        assert {str(status) for status in row.statuses} <= documented.raw["responses"].keys()
    assert {row.body for row in ROWS} - {None} == BODIES.keys()


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_caller_gets_what_the_table_says(cast: Cast, row: Row, caller: str) -> None:
    """The status, with the code that belongs to it."""
    scene = Scene(cast, caller)
    headers = dict(cast.headers(caller, own_session=row.operation in USES_UP_THE_SESSION))
    content = None
    if row.body is not None:
        headers["Content-Type"] = "application/json"
        content = filled(json.dumps(BODIES[row.body]), scene)
    answer = cast.http.request(row.method, f"/v1{filled(row.path, scene)}", headers=headers, content=content)

    assert answer.status_code == row.status(caller), answer.text
    if answer.is_error:
        assert STATUS_OF_CODE[answer.json()["error"]["code"]] == answer.status_code
    if answer.status_code == 401:
        assert answer.json()["error"]["details"] == {"token_expired": caller == "expired"}
        assert ("error=" in answer.headers["WWW-Authenticate"]) == (caller != "nobody")
