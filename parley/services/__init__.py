"""Rules: what Parley does and refuses. A service knows neither HTTP nor SQL and gets exactly what it uses.

(The method and the path in `request_hash` are the name of a request among those of one key. They are kept in the
database, so they stay what they are.)

| a refusal | is |
|---|---|
| of what was asked, whoever asks | raised, as one of `parley.errors` |
| a fact that the caller may want to know (it was new, it was a replay) | returned beside the value |

A service that writes to the log does it in one transaction, and judges after the head was taken: what is frequent is
one call of a function (`SendQueue`, `log.call`), what is rare one `log.append()`. Only who writes to somebody for the
first time needs two: the conversation is opened (`direct_id`), and is there also where the message is then refused.
"""

from contextvars import ContextVar
from dataclasses import dataclass

from parley.services.accounts import Accounts
from parley.services.conversations import Conversations
from parley.services.events import Events
from parley.services.groups import Groups
from parley.services.messages import Messages
from parley.services.receipts import Receipts
from parley.services.sessions import Sessions
from parley.services.users import Users
from parley.services.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers call."""

    accounts: Accounts
    sessions: Sessions
    users: Users
    conversations: Conversations
    messages: Messages
    receipts: Receipts
    groups: Groups
    events: Events
    webhooks: Webhooks


_bound: ContextVar[Services] = ContextVar("services")


def bind_services(bound: Services) -> None:
    """Make these the services of the request under way."""
    _bound.set(bound)


def services() -> Services:
    """Return the services of the request under way; LookupError outside of one."""
    return _bound.get()
