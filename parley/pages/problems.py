"""/errors/{code}: what a code means and what to do. The `type` of every error of v2 leads here.

All of it is made of the contract: the sentences are `x-problems` of v2, the examples those of its answers.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from html import escape
from typing import Any

from starlette.types import Receive, Scope, Send

from parley.contract.document import operations_of, resolve
from parley.contract.errors import error_reply
from parley.pages import prose
from parley.pages.answers import JSON, Page, StaticPage, answer, only_read
from parley.pages.document import as_json
from parley.pages.socket import UpgradeRequired

Document = Mapping[str, Any]

# Under which the page stands that answers for every code there is not.
OTHERS = "/errors/{code}"

_INTRODUCTION = """\
Decide by `code`, which is the same word in both versions, and treat a code you do not know by the status of the
answer. What is said in `detail` (in v1: `message`) is for people, and may change.
"""


def pages() -> Mapping[str, Page]:
    """Return the page of each code, the list of all, and the page for what is no code."""
    codes = json.loads(as_json("openapi-v2"))["x-problems"]
    found = {f"/errors/{code}": _static(partial(_page, code)) for code in codes}
    return {"/errors": _static(_list), "/errors/": _static(_list), OTHERS: _unknown, **found}


def _static(read: Callable[[], bytes]) -> Page:
    return StaticPage(read, prose.CONTENT_TYPE, prose.HEADERS)


@only_read
async def _unknown(scope: Scope, receive: Receive, send: Send) -> None:
    """404, with the codes that there are."""
    headers = (*prose.HEADERS, ("Cache-Control", "no-cache"))
    await answer(scope, send, 404, _no_such_code(), prose.CONTENT_TYPE, headers)


@cache
def _no_such_code() -> bytes:
    body = f"<h1>There is no such code</h1>\n<p>These are all that this server knows:</p>\n{_table()}"
    return prose.page("There is no such code", body)


def _list() -> bytes:
    return prose.page("Errors", f"<h1>Errors</h1>\n{prose.paragraphs(_INTRODUCTION)}\n{_table()}")


def _table() -> str:
    problems = sorted(_document("openapi-v2")["x-problems"].items(), key=lambda each: int(each[1]["status"]))
    rows = "\n".join(_row(code, problem) for code, problem in problems)
    head = "<thead><tr><th>Status</th><th>Code</th><th>What it means</th></tr></thead>"
    return f"<table>{head}\n<tbody>\n{rows}\n</tbody></table>"


def _row(code: str, problem: Document) -> str:
    # A narrow screen breaks a long code between its words.
    shown = code.replace("_", "_<wbr>")
    cells = (
        problem["status"],
        f'<a href="/errors/{code}"><code>{shown}</code></a>',
        escape(problem["title"]),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _page(code: str) -> bytes:
    problem = _document("openapi-v2")["x-problems"][code]
    parts = [
        f"<h1>{escape(problem['title'])}</h1>",
        f'<p class="facts"><span>{problem["status"]}</span> <code>{code}</code></p>',
        "<h2>What it means</h2>",
        prose.paragraphs(problem["meaning"]),
        "<h2>What to do</h2>",
        prose.paragraphs(problem["remedy"]),
        "<h2>What it looks like</h2>",
        *_examples(code),
    ]
    return prose.page(problem["title"], "\n".join(parts))


def _examples(code: str) -> Iterator[str]:
    if code == UpgradeRequired.code:
        # The socket's path is of no version, and no operation of a document.
        reply = error_reply(UpgradeRequired())
        lines = prose.answer_lines(reply.status, {"Content-Type": JSON}, reply.body)
        yield f"<h3>At <code>/ws</code></h3>\n{prose.listing(lines)}"
    for title, name in (("In v2", "openapi-v2"), ("In v1", "openapi")):
        example = _example(name, code)
        if example is not None:
            yield f"<h3>{title}</h3>\n{prose.listing(example)}"


def _example(name: str, code: str) -> list[str] | None:
    """Write the answer of a document that has the code most often; None where there is none."""
    document = _document(name)
    # A code has the same status in both versions.
    status = _document("openapi-v2")["x-problems"][code]["status"]
    for response in _responses(name):
        for media_type, content in response.get("content", {}).items():
            for example in content["examples"].values():
                body = example["value"]
                # In one form only: that of this version.
                if (
                    body.keys() & {"code", "error"} != {"code", "error"}
                    and body.get("error", body)["code"] == code
                ):
                    headers = {"Content-Type": media_type, **_headers(document, response)}
                    return prose.answer_lines(status, headers, body)
    return None


def _responses(name: str) -> list[Document]:
    """Return the shared answers of a document, those that most operations give first."""
    document = _document(name)
    used = Counter(
        answer.get("$ref", "").rpartition("/")[2]
        for operation in operations_of(document)
        for answer in operation.raw["responses"].values()
    )
    shared = document["components"]["responses"]
    return [shared[each] for each in sorted(shared, key=lambda each: -used[each])]


def _headers(document: Document, response: Document) -> dict[str, Any]:
    headers = response.get("headers", {})
    return {name: resolve(document, header)["example"] for name, header in headers.items()}


@cache
def _document(name: str) -> Document:
    document: Document = json.loads(as_json(name))
    return document
