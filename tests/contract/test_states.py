"""Answers that depend on what happened before: deleted messages, hidden addresses, ended sessions."""

import httpx

from people import PASSWORD, Person, log_in, made
from versions import V2, Version


def test_deleted_message_is_gone(ada: Person, bob: Person) -> None:
    """It stays in the list as a tombstone; asked for alone it is gone, and nothing can be done to it."""
    message = ada.say(bob, "A secret")
    path = f"/messages/{message['id']}"
    assert ada.delete(path).status_code == 204
    for answer in (
        ada.get(path),
        bob.get(path),
        ada.patch(path, {"content": "No secret"}),
        ada.delete(path),
    ):
        assert answer.status_code == 410
        assert answer.json()["error"]["code"] == "gone"
    (tombstone,) = made(bob.get("/messages", conversation_id=message["conversation_id"]))["messages"]
    assert (tombstone["id"], tombstone["content"], tombstone["metadata"]) == (message["id"], None, None)
    assert tombstone["deleted_at"] is not None


def test_private_facts_are_shown_to_oneself_only(ada: Person, bob: Person, version: Version) -> None:
    """Neither the e-mail address nor the access to the beta, wherever a user is shown."""
    ada.say(bob)
    ada.patch(f"/users/{ada.id}", {"bio": "Analyst"})
    oneself = made(ada.get(f"/users/{ada.id}"))
    assert (oneself["email"], oneself["beta_access"]) == (ada.email, version is V2)
    for answer in (
        bob.get(f"/users/{ada.id}"),
        bob.get("/users", ids=ada.id),
        bob.get("/users", username=ada.username),
        bob.get("/conversations"),
        bob.get("/events", after="0"),
    ):
        assert ada.id in answer.text
        assert ada.email not in answer.text
        assert "beta_access" not in answer.text


def test_changed_password_ends_the_other_sessions(ada: Person) -> None:
    """The one that asked stays, and only the new password opens another."""
    other = ada.again()
    body = {"current_password": PASSWORD, "new_password": "correct horse battery staple"}
    assert ada.put("/auth/password", body).status_code == 204
    assert (ada.get("/me").status_code, other.get("/me").status_code) == (200, 401)
    old = {"email": ada.email, "password": PASSWORD}
    assert ada.http.post("/v1/auth/login", json=old).status_code == 401
    assert log_in(ada.http, ada.email, body["new_password"])


def test_wrong_current_password(ada: Person) -> None:
    """It is a mistake in the body and not in the token, which stays right."""
    body = {"current_password": "a guess", "new_password": "correct horse battery staple"}
    answer = ada.put("/auth/password", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "current_password"


def test_revoked_session_ends_at_once(ada: Person) -> None:
    """It is no longer listed, its token no longer right, and it cannot be revoked twice."""
    other = ada.again()
    path = f"/auth/sessions/{other.tokens['session_id']}"
    listed = {each["id"]: each["current"] for each in made(ada.get("/auth/sessions"))["sessions"]}
    assert listed == {ada.tokens["session_id"]: True, other.tokens["session_id"]: False}
    assert ada.delete(path).status_code == 204
    assert other.get("/me").status_code == 401
    assert ada.delete(path).status_code == 404
    assert len(made(ada.get("/auth/sessions"))["sessions"]) == 1


def test_taken_names_are_told_by_field(ada: Person) -> None:
    """Capitals make no other name."""
    taken = {"email": ada.email.upper(), "username": ada.username.upper()}
    for field, value in taken.items():
        body = {"email": "new@example.com", "username": "someone-new", "password": PASSWORD, field: value}
        answer = ada.http.post("/v1/users", json=body)
        assert answer.status_code == 409
        assert answer.json()["error"]["details"]["field"] == field


def test_member_is_shown_as_in_the_list(ada: Person, bob: Person) -> None:
    """With the role that they have now, for as long as they are in the group and the group is there."""
    group = ada.found(bob)
    path = f"/groups/{group['id']}/members/{bob.id}"
    newest = made(ada.get(f"/groups/{group['id']}/members"))["members"][0]
    assert made(bob.get(path)) == newest == {**newest, "user_id": bob.id, "role": "member"}
    changed = made(ada.patch(path, {"role": "admin"}))
    assert made(ada.get(path)) == changed == {**newest, "role": "admin"}
    assert bob.delete(path).status_code == 204
    assert _missing(ada.get(path)) == "member"
    assert ada.delete(f"/groups/{group['id']}").status_code == 204
    assert _missing(ada.get(path)) == "group"


def _missing(answer: httpx.Response) -> object:
    assert answer.status_code == 404
    return answer.json()["error"]["details"]["resource"]
