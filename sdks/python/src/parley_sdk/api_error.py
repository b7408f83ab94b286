"""The errors of the SDK, but for those that have a code of the contract (`parley_sdk.errors` has them all).

ParleyError
├── ApiError            the server refused a request; a class for each code, as NotFoundError
├── ConnectionFailed    the server was not reached, or the connection broke
│   └── TimedOut        it did not answer in time
├── SessionEnded        there is no session any more: log in
├── SocketClosed        the server closed the socket with a code after which nobody is to come back
└── WebhookVerificationError
"""

from collections.abc import Mapping
from typing import Any


class ParleyError(Exception):
    """Whatever this SDK raises by itself."""


class ApiError(ParleyError):
    """The server refused a request.

    `code` and `status` are what it said, `field` and `reason` the first thing that is wrong with the request (if
    it is that), `request_id` is for whoever runs the server, `details` holds all facts.
    """

    def __init__(
        self, message: str, *, code: str, status: int, details: Mapping[str, Any], request_id: str | None
    ) -> None:
        super().__init__(f"{message} ({code}, {status})")
        self.message = message
        self.code = code
        self.status = status
        self.details = details
        self.request_id = request_id

    @property
    def field(self) -> str | None:
        """The first field that is wrong, as `metadata.mentions[0]`."""
        return self.details.get("field")

    @property
    def reason(self) -> str | None:
        """What is wrong with it."""
        return self.details.get("reason")


class ConnectionFailed(ParleyError):
    """The server was not reached, or the connection broke before the answer was there."""


class TimedOut(ConnectionFailed):
    """The server did not answer in time."""


class SessionEnded(ParleyError):
    """Nobody is logged in (any more); only a log-in helps."""


class SocketClosed(ParleyError):
    """The server closed the socket for something that this client would do again."""

    def __init__(self, code: int, meaning: str) -> None:
        super().__init__(f"{meaning} ({code})")
        self.code = code


class FrameLimitReached(ParleyError):
    """More frames in this minute would close the socket."""


class WebhookVerificationError(ParleyError):
    """This request was not signed with any of the secrets, or long ago."""
