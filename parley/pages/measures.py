"""/metrics, for whoever may read it: addresses are told, the rest of the world finds nothing there."""

import ipaddress

from starlette.types import Receive, Scope, Send

from parley import metrics as measures
from parley.errors import NotFound
from parley.pages.answers import Page, answer, header, only_read, refuse
from parley.settings import Network

_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip")


def metrics(allow: tuple[Network, ...]) -> Page:
    """Return the page; who is not in `allow` gets 404."""

    @only_read
    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        if _may_read(scope, allow):
            await answer(scope, send, 200, measures.exposed(), measures.CONTENT_TYPE)
        else:
            await refuse(scope, send, NotFound("page"))

    return page


def _may_read(scope: Scope, allow: tuple[Network, ...]) -> bool:
    # What came through a proxy on this machine looks like loopback, and is the world. So a forwarded request
    # never reads metrics: Prometheus asks the server itself.
    if any(header(scope, name) is not None for name in _FORWARDED):
        return False
    client = scope.get("client")
    if client is None:
        return False
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in allow)
