"""Who may do what: the table that `test_authorization.py` is made from.

A line has an operation, a request, the status for each of eight callers, and perhaps the name of a body:

- *nobody* sends no token; *expired* and *revoked* send the owner's, which is too old or whose session has ended;
- *member*, *admin* and *owner* are of the groups, in which *outsider* and *other* are not;
- *other* is who the owner has a direct conversation with.

What stands in braces is made anew for each cell. Groups: `{group}` is private, `{closed}` is private and lets
members invite nobody, `{public}` is public. Messages: `{message}` is the member's in `{group}`, `{notice}` the
owner's there, `{said}` the owner's in `{direct}`. `{stranger}` is somebody whom nobody knows yet; `{session}` is
one of the caller's and `{foreign}` one of the owner's. `{webhook}` is the owner's, and `{delivery}` one of its
deliveries, which has arrived at `{receiver}`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

CALLERS = ("nobody", "expired", "revoked", "outsider", "member", "admin", "owner", "other")

# Callers have a session of their own for these, because they end it.
USES_UP_THE_SESSION = {"logout", "revoke_session"}

BODIES: dict[str, Any] = {
    "account": {"email": "{new_name}@example.com", "password": "secure_password", "username": "{new_name}"},
    "credentials": {"email": "{owners_email}", "password": "secure_password"},
    "passwords": {"current_password": "secure_password", "new_password": "secure_password"},
    "refresh_token": {"refresh_token": "{refresh}"},
    "bio": {"bio": "Analyst of engines"},
    "name": {"name": "Book club"},
    "stranger": {"user_id": "{stranger}"},
    "message": {"message_id": "{message}"},
    "said": {"message_id": "{said}"},
    "content": {"content": "Hello, dear world!"},
    "to_stranger": {"receiver_id": "{stranger}", "content": "Hello, you!"},
    "to_group": {"receiver_id": "{group}", "content": "Hello, all!"},
    "to_public": {"receiver_id": "{public}", "content": "Hello, all!"},
    "into_group": {"conversation_id": "{group}", "content": "Hello, all!"},
    "into_direct": {"conversation_id": "{direct}", "content": "Hello, you!"},
    "as_admin": {"role": "admin"},
    "as_owner": {"role": "owner"},
    "as_member": {"role": "member"},
    "webhook": {"url": "{receiver}", "events": ["message.created"]},
    "on_group": {"url": "{receiver}", "events": ["message.created"], "conversation_id": "{group}"},
    "on_public": {"url": "{receiver}", "events": ["message.created"], "conversation_id": "{public}"},
    "on_direct": {"url": "{receiver}", "events": ["message.created"], "conversation_id": "{direct}"},
    "to_group_only": {"conversation_id": "{group}"},
    "disabled": {"status": "disabled"},
    "secret": {"secret": "another_webhook_secret"},
    "since": {"since": "2026-03-20T12:00:00Z"},
}

#                                              nobody, expired, revoked / outsider, member, admin, owner, other
TABLE = """
login              POST   /auth/login                           200 200 200  200 200 200 200 200  credentials
refresh            POST   /auth/refresh                         200 200 200  200 200 200 200 200  refresh_token
logout             POST   /auth/logout                          401 401 401  204 204 204 204 204
list_sessions      GET    /auth/sessions                        401 401 401  200 200 200 200 200
revoke_session     DELETE /auth/sessions/{session}              401 401 401  204 204 204 204 204
revoke_session     DELETE /auth/sessions/{foreign}              401 401 401  404 404 404 204 404
change_password    PUT    /auth/password                        401 401 401  204 204 204 204 204  passwords
register_user      POST   /users                                201 201 201  201 201 201 201 201  account
list_users         GET    /users?ids={owner}                    401 401 401  200 200 200 200 200
get_me             GET    /me                                   401 401 401  200 200 200 200 200
get_user           GET    /users/{owner}                        401 401 401  200 200 200 200 200
update_user        PATCH  /users/{owner}                        401 401 401  403 403 403 200 403  bio
list_conversations GET    /conversations                        401 401 401  200 200 200 200 200
open_conversation  POST   /conversations                        401 401 401  201 201 201 201 201  stranger
get_conversation   GET    /conversations/{group}                401 401 401  404 200 200 200 404
get_conversation   GET    /conversations/{public}               401 401 401  404 200 200 200 404
get_conversation   GET    /conversations/{direct}               401 401 401  404 404 404 200 200
mark_read          PUT    /conversations/{group}/read           401 401 401  404 200 200 200 404  message
mark_read          PUT    /conversations/{direct}/read          401 401 401  404 404 404 200 200  said
mark_delivered     PUT    /conversations/{group}/delivered      401 401 401  404 200 200 200 404  message
mark_delivered     PUT    /conversations/{direct}/delivered     401 401 401  404 404 404 200 200  said
send_message       POST   /messages                             401 401 401  201 201 201 201 201  to_stranger
send_message       POST   /messages                             401 401 401  404 201 201 201 404  to_group
send_message       POST   /messages                             401 401 401  404 201 201 201 404  into_group
send_message       POST   /messages                             401 401 401  404 201 201 201 404  to_public
send_message       POST   /messages                             401 401 401  404 404 404 201 201  into_direct
list_messages      GET    /messages                             401 401 401  200 200 200 200 200
list_messages      GET    /messages?conversation_id={group}     401 401 401  404 200 200 200 404
list_messages      GET    /messages?conversation_id={public}    401 401 401  404 200 200 200 404
list_messages      GET    /messages?conversation_id={direct}    401 401 401  404 404 404 200 200
get_message        GET    /messages/{message}                   401 401 401  404 200 200 200 404
get_message        GET    /messages/{said}                      401 401 401  404 404 404 200 200
edit_message       PATCH  /messages/{message}                   401 401 401  404 200 403 403 404  content
edit_message       PATCH  /messages/{said}                      401 401 401  404 404 404 200 403  content
delete_message     DELETE /messages/{message}                   401 401 401  404 204 204 204 404
delete_message     DELETE /messages/{notice}                    401 401 401  404 403 204 204 404
delete_message     DELETE /messages/{said}                      401 401 401  404 404 404 204 403
create_group       POST   /groups                               401 401 401  201 201 201 201 201  name
list_groups        GET    /groups                               401 401 401  200 200 200 200 200
list_groups        GET    /groups?visibility=public             401 401 401  200 200 200 200 200
get_group          GET    /groups/{group}                       401 401 401  404 200 200 200 404
get_group          GET    /groups/{public}                      401 401 401  200 200 200 200 200
update_group       PATCH  /groups/{group}                       401 401 401  404 403 200 200 404  name
update_group       PATCH  /groups/{public}                      401 401 401  403 403 200 200 403  name
delete_group       DELETE /groups/{group}                       401 401 401  404 403 403 204 404
delete_group       DELETE /groups/{public}                      401 401 401  403 403 403 204 403
list_members       GET    /groups/{group}/members               401 401 401  404 200 200 200 404
list_members       GET    /groups/{public}/members              401 401 401  200 200 200 200 200
get_member         GET    /groups/{group}/members/{member}      401 401 401  404 200 200 200 404
get_member         GET    /groups/{group}/members/{outsider}    401 401 401  404 404 404 404 404
get_member         GET    /groups/{public}/members/{member}     401 401 401  200 200 200 200 200
get_member         GET    /groups/{public}/members/{outsider}   401 401 401  404 404 404 404 404
add_member         POST   /groups/{group}/members               401 401 401  404 201 201 201 404  stranger
add_member         POST   /groups/{closed}/members              401 401 401  404 403 201 201 404  stranger
add_member         POST   /groups/{public}/members              401 401 401  403 201 201 201 403  stranger
update_member      PATCH  /groups/{group}/members/{member}      401 401 401  404 403 403 200 404  as_admin
update_member      PATCH  /groups/{group}/members/{member}      401 401 401  404 403 403 200 404  as_owner
update_member      PATCH  /groups/{group}/members/{owner}       401 401 401  404 403 403 409 404  as_member
update_member      PATCH  /groups/{public}/members/{member}     401 401 401  403 403 403 200 403  as_admin
remove_member      DELETE /groups/{group}/members/{member}      401 401 401  404 204 204 204 404
remove_member      DELETE /groups/{group}/members/{admin}       401 401 401  404 403 204 204 404
remove_member      DELETE /groups/{group}/members/{owner}       401 401 401  404 403 403 409 404
remove_member      DELETE /groups/{public}/members/{member}     401 401 401  403 204 204 204 403
join_group         POST   /groups/{group}/join                  401 401 401  404 200 200 200 404
join_group         POST   /groups/{public}/join                 401 401 401  201 200 200 200 201
list_events        GET    /events                               401 401 401  200 200 200 200 200
create_webhook     POST   /webhooks                             401 401 401  201 201 201 201 201  webhook
create_webhook     POST   /webhooks                             401 401 401  404 201 201 201 404  on_group
create_webhook     POST   /webhooks                             401 401 401  404 201 201 201 404  on_public
create_webhook     POST   /webhooks                             401 401 401  404 404 404 201 201  on_direct
list_webhooks      GET    /webhooks                             401 401 401  200 200 200 200 200
get_webhook        GET    /webhooks/{webhook}                   401 401 401  404 404 404 200 404
update_webhook     PATCH  /webhooks/{webhook}                   401 401 401  404 404 404 200 404  to_group_only
update_webhook     PATCH  /webhooks/{webhook}                   401 401 401  404 404 404 200 404  disabled
delete_webhook     DELETE /webhooks/{webhook}                   401 401 401  404 404 404 204 404
rotate_secret      POST   /webhooks/{webhook}/rotate-secret     401 401 401  404 404 404 200 404  secret
test_webhook       POST   /webhooks/{webhook}/test              401 401 401  404 404 404 201 404
list_deliveries    GET    /webhooks/{webhook}/deliveries        401 401 401  404 404 404 200 404
get_delivery       GET    /webhooks/{webhook}/deliveries/{delivery}            401 401 401  404 404 404 200 404
redeliver          POST   /webhooks/{webhook}/deliveries/{delivery}/redeliver  401 401 401  404 404 404 200 404
recover_deliveries POST   /webhooks/{webhook}/recover           401 401 401  404 404 404 200 404  since
get_limits         GET    /limits                               401 401 401  200 200 200 200 200
get_contract       GET    /contract                             200 200 200  200 200 200 200 200
"""


class Row(NamedTuple):
    """One line of the table. `body` is the name of one of `BODIES`."""

    operation: str
    method: str
    path: str
    statuses: tuple[int, ...]
    body: str | None

    def status(self, caller: str) -> int:
        """What this caller is answered."""
        return self.statuses[CALLERS.index(caller)]

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + (f" {self.body}" if self.body else "")


def _rows() -> Iterator[Row]:
    for line in TABLE.strip().splitlines():
        operation, method, path, *cells = line.split()
        statuses, body = cells[: len(CALLERS)], cells[len(CALLERS) :]
        yield Row(operation, method, path, tuple(map(int, statuses)), body[0] if body else None)


ROWS = tuple(_rows())
