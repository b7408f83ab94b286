"""Pages to read: one layout, a little of Markdown, and answers of HTTP as they come over the wire. No script runs."""

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "text/html; charset=utf-8"

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)

_PAGE = """\
<!doctype html>
{note}<html lang="en">
<head>
<meta charset="utf-8">
<title>{title} · Parley</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/docs/icon.svg">
<link rel="stylesheet" href="/docs/prose.css">
</head>
<body>
<nav><a href="/docs"><img src="/docs/icon.svg" alt="" width="20" height="20">Parley: the API</a>
<a href="/docs/from-v1-to-v2">From v1 to v2</a>
<a href="/errors">Errors</a></nav>
<main>
{body}
</main>
</body>
</html>
"""

_CODE = re.compile(r"`([^`]+)`")
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
# What a line of JSON may hold before it is broken: two answers stand beside each other.
_WIDTH = 60
# Of a thing in a list so many members are shown; what they are is told elsewhere.
_SHOWN_MEMBERS = 4
_MORE = object()


def page(title: str, body: str, made_from: str = "") -> bytes:
    """Return a whole page. `body` is HTML, `made_from` a sentence for whoever looks at the source."""
    note = f"<!-- {escape(made_from)} -->\n" if made_from else ""
    return _PAGE.format(title=escape(title), body=body, note=note).encode()


def paragraphs(text: str) -> str:
    """Return a text in Markdown as HTML: paragraphs, code, bold words and links; the contract uses no more."""
    parts = (part.strip() for part in re.split(r"\n\s*\n", text))
    return "\n".join(f"<p>{inline(part)}</p>" for part in parts if part)


def inline(text: str) -> str:
    """Return one paragraph of Markdown as HTML."""
    html = escape(text)
    html = _CODE.sub(r"<code>\1</code>", html)
    html = _BOLD.sub(r"<strong>\1</strong>", html)
    return _LINK.sub(r'<a href="\2">\1</a>', html)


def answer_lines(status: int, headers: Mapping[str, Any], body: Any = None) -> list[str]:
    """Write an answer as it comes over the wire; of what stands in lists only the beginnings."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {header_text(value)}" for name, value in headers.items()]
    return lines if body is None else [*lines, "", *json_lines(body)]


def header_text(value: Any) -> str:
    """Return a header's value as it is sent: true and false in small letters."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def json_lines(value: Any) -> list[str]:
    """Write JSON for people: what fits is on one line, and things in lists are cut short."""
    return _json(_cut(value, inside_list=False), "").split("\n")


def _cut(value: Any, *, inside_list: bool) -> Any:
    if isinstance(value, Mapping):
        cut = {name: _cut(part, inside_list=False) for name, part in value.items()}
        if inside_list and len(cut) > _SHOWN_MEMBERS:
            name, first = next(iter(cut.items()))
            return {name: first, "": _MORE}
        return cut
    return [_cut(part, inside_list=True) for part in value] if isinstance(value, list) else value


def _json(value: Any, indent: str) -> str:
    if value is _MORE:
        return "…"
    if not isinstance(value, Mapping | list) or not value:
        return json.dumps(value, ensure_ascii=False)
    deeper = f"{indent}  "
    if isinstance(value, Mapping):
        opening, closing = "{", "}"
        parts = [
            f"{json.dumps(name)}: {_json(part, deeper)}" if name else "…" for name, part in value.items()
        ]
    else:
        opening, closing = "[", "]"
        parts = [_json(part, deeper) for part in value]
    line = f"{opening}{', '.join(parts)}{closing}"
    if "\n" not in line and len(indent) + len(line) <= _WIDTH and indent:
        return line
    return f"{opening}\n{deeper}" + f",\n{deeper}".join(parts) + f"\n{indent}{closing}"


def listing(lines: Iterable[str]) -> str:
    """Return lines of text as they are."""
    return f"<pre><code>{escape(chr(10).join(lines))}</code></pre>"
