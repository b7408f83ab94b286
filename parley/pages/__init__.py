"""Pages for operators and readers, each a small ASGI application under an exact path.

    /healthz  /readyz  /metrics              health.py, measures.py
    /docs  /docs/…                           docs.py
    /openapi.json  /openapi.yaml …           document.py
    /errors  /errors/…                       problems.py
    /ws                                      socket.py, for whoever asks without a handshake

They stand beside the contract, not in it: no token, no rate limit, no version. All but /ws answer GET and HEAD only.
"""

from collections.abc import Mapping

from parley.pages import docs, document, health, measures, problems, socket
from parley.pages.answers import Page
from parley.pages.health import Readiness
from parley.settings import Network

__all__ = ["Page", "Readiness", "page_of", "pages"]


def pages(readiness: Readiness, *, metrics_allow: tuple[Network, ...]) -> Mapping[str, Page]:
    """Return all pages by their exact paths."""
    return {
        "/healthz": health.alive,
        "/readyz": health.ready(readiness),
        "/metrics": measures.metrics(metrics_allow),
        "/ws": socket.upgrade,
        **document.pages(),
        **docs.pages(),
        **problems.pages(),
    }


def page_of(all_pages: Mapping[str, Page], path: str) -> str | None:
    """Return under which name a path has its page; None where the contract answers."""
    if path in all_pages:
        return path
    # Under one name, whatever was asked for: it is what metrics count by.
    return problems.OTHERS if path.startswith("/errors/") and problems.OTHERS in all_pages else None
