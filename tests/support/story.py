"""The story that the document's examples tell, played on a server: Ada, Bob, what they wrote, their book club.

An example names things by ids that exist nowhere. After the story was played, `told` puts the ids of the real
ones in their place, and the example is a request that can be sent.
"""

import json
from typing import Any

import httpx

from people import made, register
from webhook_calls import finished_delivery, webhook

EXAMPLE_IDS = {
    "ada": "019d0a79-12f8-7029-86e7-ce6e717ab7c7",
    "bob": "019d0a7b-8991-7ce9-9b84-d1e0b4cfd9ec",
    "carol": "019d0a7d-d544-73af-9e72-3db05a71fdf1",
    "conversation": "019d0a82-495f-743c-a331-1aab066ba7c9",
    "first": "019d0b1d-6934-7405-a814-2b342d2395ec",
    "reply": "019d0b1d-dfa1-780e-9d0d-5aed18466d1d",
    "group": "019d0b70-469d-7ca0-b9e7-6f44a316302b",
    "image": "019d0b21-06f2-7f72-bca2-ac2496d81f36",
    "session": "019d0b1c-b64e-7b4d-a71a-80714c0fb398",
    "other_session": "019d0000-6a74-7908-815e-40263ad56ef5",
    "webhook": "019d0b1d-1e6a-7c55-b3d0-94c1f6a2e817",
    "delivery": "019d0b1d-e0c4-7029-8a35-5f1b7d0c9e42",
}
EXAMPLE_EMAIL = "ada@example.com"
EXAMPLE_RECEIVER = "https://your-server.com/webhook"
ACCESS_TOKEN = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJ1c2UiOiJhY2Nlc3MifQ.c2lnbmF0dXJl"
REFRESH_TOKEN = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJ1c2UiOiJyZWZyZXNoIn0.c2lnbmF0dXJl"


class Story:
    """Play it once on each server that needs it, or as often as you like: everybody gets a new name.

    `receiver` is the address of whoever takes what Ada's webhook is sent.
    """

    def __init__(self, http: httpx.Client, receiver: str) -> None:
        self.ada, self.bob, self.carol = (register(http, name) for name in ("ada", "bob", "carol"))
        other = self.ada.again()
        self.first = self.bob.say(self.ada, "Hello, Ada!")
        self.reply = self.ada.say(
            self.bob, metadata={"reply_to": self.first["id"], "mentions": [self.bob.id]}
        )
        self.group = self.ada.found(self.bob, is_private=False, message_retention_days=30)
        picture = {
            "url": "https://files.example.com/engine.png",
            "name": "engine.png",
            "content_type": "image/png",
            "size": 48213,
        }
        metadata = {"attachments": [picture], "custom": {"album": "engines"}}
        self.image = self.ada.say(self.group["id"], "The engine, at last", type="image", metadata=metadata)
        self.webhook = webhook(self.ada, receiver, "message.created", "user.updated")
        self.delivery = made(self.ada.post(f"/webhooks/{self.webhook['id']}/test"))
        real = {
            "ada": self.ada.id,
            "bob": self.bob.id,
            "carol": self.carol.id,
            "conversation": self.first["conversation_id"],
            "first": self.first["id"],
            "reply": self.reply["id"],
            "group": self.group["id"],
            "image": self.image["id"],
            "session": self.ada.tokens["session_id"],
            "other_session": other.tokens["session_id"],
            "webhook": self.webhook["id"],
            "delivery": self.delivery["id"],
        }
        self._words = {example: real[name] for name, example in EXAMPLE_IDS.items()} | {
            EXAMPLE_EMAIL: self.ada.email,
            EXAMPLE_RECEIVER: receiver,
            ACCESS_TOKEN: self.ada.tokens["access_token"],
            REFRESH_TOKEN: other.tokens["refresh_token"],
        }

    def delivered(self) -> dict[str, Any]:
        """Return the delivery of the story, once it is finished."""
        return finished_delivery(self.ada, self.webhook["id"], self.delivery["id"])

    def told(self, value: Any) -> Any:
        """Return a value with what is real in the place of what the examples name."""
        text = json.dumps(value)
        for example, real in self._words.items():
            text = text.replace(example, real)
        return json.loads(text)
