"""/ws for whoever asks for it without a handshake: sockets are opened before anything gets here."""

from starlette.types import Receive, Scope, Send

from parley.contract.errors import MethodNotAllowed, error_reply
from parley.contract.replies import encode
from parley.errors import ParleyError
from parley.pages.answers import JSON, answer, refuse

# RFC 9110, section 15.5.22, and RFC 6455, section 4.4.
_HOW = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"))


class UpgradeRequired(ParleyError):
    """The path speaks another protocol than HTTP."""

    code = "upgrade_required"

    def __init__(self) -> None:
        super().__init__("This path is a WebSocket; /docs tells how it is opened")


async def upgrade(scope: Scope, receive: Receive, send: Send) -> None:
    """/ws: 426, and 405 to all but GET."""
    if scope["method"] != "GET":
        await refuse(scope, send, MethodNotAllowed("GET"))
        return
    reply = error_reply(UpgradeRequired())
    await answer(scope, send, reply.status, encode(reply.body), JSON, _HOW)
