"""Pages for operators and readers, each a small ASGI application under an exact path.

    /healthz  /readyz  /metrics              health.py, measures.py
    /docs  /docs/…                           docs.py
    /openapi.json  /openapi.yaml             document.py
    /ws                                      socket.py, for whoever asks without a handshake

They stand beside the contract, not in it: no token, no rate limit, no version. All but /ws answer GET and HEAD only.
"""

from collections.abc import Mapping

from parley.pages import docs, document, health, measures, socket
from parley.pages.answers import Page
from parley.pages.health import Readiness
from parley.settings import Network

__all__ = ["Page", "Readiness", "pages"]


def pages(readiness: Readiness, *, metrics_allow: tuple[Network, ...]) -> Mapping[str, Page]:
    """Return all pages by their exact paths."""
    return {
        "/healthz": health.alive,
        "/readyz": health.ready(readiness),
        "/metrics": measures.metrics(metrics_allow),
        "/ws": socket.upgrade,
        **document.pages(),
        **docs.pages(),
    }
