"""The docs page: Scalar's viewer, vendored, shows the contract and asks no other host for anything."""

from collections.abc import Callable, Mapping
from importlib import resources

from starlette.types import Receive, Scope, Send

from parley.pages import prose
from parley.pages.answers import Page, StaticPage, answer, only_read

_ASSETS = {
    "scalar.js": "text/javascript; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "prose.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "LICENSE.txt": "text/plain; charset=utf-8",
}

_HTML = b"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Parley: the API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/docs/icon.svg">
<link rel="stylesheet" href="/docs/page.css">
</head>
<body>
<noscript>This page needs JavaScript; the contract itself is at
<a href="/openapi.yaml">/openapi.yaml</a> (REST), <a href="/asyncapi.yaml">/asyncapi.yaml</a> (the socket) and
<a href="/v2/openapi.yaml">/v2/openapi.yaml</a> (the beta of the next version,
<a href="/docs/from-v1-to-v2">which differs</a>).</noscript>
<div id="contract"></div>
<script src="/docs/scalar.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # The viewer puts styles into elements and attributes while it runs, only one of them with a nonce.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("Cache-Control", "no-cache"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)


def pages() -> Mapping[str, Page]:
    """Return the page and its assets by their paths."""
    assets = {
        f"/docs/{name}": StaticPage(_reader(name), content_type) for name, content_type in _ASSETS.items()
    }
    changes = StaticPage(_changes, prose.CONTENT_TYPE, prose.HEADERS)
    return {"/docs": docs, "/docs/": docs, "/docs/from-v1-to-v2": changes, **assets}


@only_read
async def docs(scope: Scope, receive: Receive, send: Send) -> None:
    """/docs: the page itself; everything that it loads stands beside it."""
    await answer(scope, send, 200, _HTML, "text/html; charset=utf-8", _HEADERS)


def _changes() -> bytes:
    return (resources.files("generated") / "from-v1-to-v2.html").read_bytes()


def _reader(name: str) -> Callable[[], bytes]:
    return (resources.files("parley.pages") / "assets" / name).read_bytes
