"""Parley for Python: messages over REST, events over a WebSocket, webhooks.

with Client("http://localhost:8080") as client:
    client.log_in("ada@example.com", "secure_password")
    client.send_message({"receiver_id": bob, "content": "Hello, world!"})
    for event in client.listen():
        ...
"""

from parley_sdk import models
from parley_sdk.backoff import Backoff, RetryPolicy
from parley_sdk.client import AsyncClient, Client
from parley_sdk.flow import LastAnswer, RateLimit
from parley_sdk.generated.facts import Event, WebhookEvent
from parley_sdk.model import UnknownEvent, UnknownPayload
from parley_sdk.realtime import AsyncListener, Listener
from parley_sdk.stores import (
    CursorStore,
    FileCursorStore,
    FileTokenStore,
    MemoryCursorStore,
    MemoryTokenStore,
    Tokens,
    TokenStore,
)
from parley_sdk.version import __version__
from parley_sdk.webhooks import Webhook

__all__ = [
    "AsyncClient",
    "AsyncListener",
    "Backoff",
    "Client",
    "CursorStore",
    "Event",
    "FileCursorStore",
    "FileTokenStore",
    "LastAnswer",
    "Listener",
    "MemoryCursorStore",
    "MemoryTokenStore",
    "RateLimit",
    "RetryPolicy",
    "TokenStore",
    "Tokens",
    "UnknownEvent",
    "UnknownPayload",
    "Webhook",
    "WebhookEvent",
    "__version__",
    "models",
]
