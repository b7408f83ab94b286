"""Pages to read: each code of an error has one, and the page about v2 is what the overlay makes."""

import json
import re
from collections.abc import Mapping, MutableMapping
from html import unescape
from typing import Any

import pytest

from parley.pages import Page, docs, document, page_of, problems, prose
from scripts import codegen
from scripts.migration_page import migration_page
from scripts.overlay import read_overlay
from scripts.specification import BrokenDocument, read_specification
from scripts.v2_document import read_v2

V2: Mapping[str, Any] = json.loads(document.as_json("openapi-v2"))
FIRST = read_specification(codegen.SPECIFICATION)
PROBLEMS = V2["x-problems"]
PAGES = {**docs.pages(), **problems.pages()}
CHANGES = (codegen.GENERATED / "from-v1-to-v2.html").read_text(encoding="utf-8")

pytestmark = pytest.mark.anyio


async def asked(page: Page, method: str = "GET") -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of a page."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("a page reads no body")

    await page({"type": "http", "method": method, "path": "/", "headers": []}, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"].decode()


def text_of(html: str) -> str:
    """Return what is read."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def without_marks(text: str) -> str:
    return " ".join(re.sub(r"\]\([^)]*\)|\*\*|[`\[]", " ", text).split())


@pytest.mark.parametrize("code", V2["components"]["schemas"]["ErrorCode"]["enum"])
async def test_every_code_has_a_page(code: str) -> None:
    """`type` of a problem leads there: what it means, what to do, and what it looks like."""
    status, headers, html = await asked(PAGES[f"/errors/{code}"])
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    words = re.sub(r"[\s.;,:]+", "", text_of(html))
    for told in (PROBLEMS[code]["title"], PROBLEMS[code]["meaning"], PROBLEMS[code]["remedy"]):
        assert re.sub(r"[\s.;,:]+", "", without_marks(told)) in words
    assert f"HTTP/1.1 {PROBLEMS[code]['status']} " in html
    # The socket's own code is answered under no base path of v2.
    assert (f'"type": "/errors/{code}"' in unescape(html)) is (code != "upgrade_required")


async def test_both_forms_are_shown() -> None:
    """Who uses v1 comes here too; a code that v1 does not have is shown in one."""
    _, _, html = await asked(PAGES["/errors/not_found"])
    assert '"error": {' in unescape(html)
    assert "X-RateLimit-Limit: 100" in html
    _, _, html = await asked(PAGES["/errors/precondition_failed"])
    assert '"error": {' not in unescape(html)


async def test_unknown_code_is_not_found() -> None:
    """The page then lists those that there are."""
    assert page_of(PAGES, "/errors/nothing") == problems.OTHERS
    assert page_of(PAGES, "/errors/gone") == "/errors/gone"
    assert page_of(PAGES, "/v1/errors") is None
    status, headers, html = await asked(PAGES[problems.OTHERS])
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert all(f'href="/errors/{code}"' in html for code in PROBLEMS)


@pytest.mark.parametrize("path", ["/errors", "/errors/gone", problems.OTHERS, "/docs/from-v1-to-v2"])
async def test_head_has_no_body(path: str) -> None:
    """But the same status and length; and no page runs a script or is framed."""
    status, headers, html = await asked(PAGES[path])
    assert await asked(PAGES[path], "HEAD") == (status, headers, "")
    assert int(headers["content-length"]) == len(html.encode())
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; ")
    assert "<script" not in html
    assert (await asked(PAGES[path], "POST"))[0] == 405


async def test_list_leads_to_all() -> None:
    """With and without a slash at the end."""
    _, _, html = await asked(PAGES["/errors"])
    assert re.findall(r'href="/errors/(\w+)"', html) == sorted(
        PROBLEMS, key=lambda code: PROBLEMS[code]["status"]
    )
    assert (await asked(PAGES["/errors/"]))[2] == html


# From v1 to v2


async def test_page_is_the_generated_one() -> None:
    """It is served as it was made."""
    assert (await asked(PAGES["/docs/from-v1-to-v2"]))[2] == CHANGES


def test_every_action_is_told() -> None:
    """What an action says is on the page, and what it finds."""
    overlay = read_overlay(codegen.OVERLAY)
    words = re.sub(r"\s", "", text_of(CHANGES))
    for action in overlay.actions:
        assert re.sub(r"\s", "", without_marks(action.description)) in words
        assert re.sub(r"\s", "", action.target) in words
        chapter = action.extensions.get("x-chapter")
        if chapter is not None:
            assert f"<h2>{chapter['title'].replace(chr(39), '&#x27;')}</h2>" in CHANGES
            assert all(standard["url"] in CHANGES for standard in chapter.get("standards", ()))


def test_answers_stand_beside_each_other() -> None:
    """What only one of both has is marked."""
    assert "<del>X-RateLimit-Remaining: 99\n</del>" in CHANGES
    assert "<ins>RateLimit: &quot;api&quot;;r=99;t=42\n</ins>" in CHANGES
    assert "<del>  &quot;messages&quot;: [\n</del>" in CHANGES
    assert "<ins>  &quot;items&quot;: [\n</ins>" in CHANGES
    assert "<ins>HTTP/1.1 412 Precondition Failed\n</ins>" in CHANGES
    assert CHANGES.count('<div class="pair">') == CHANGES.count("<h3>v2</h3>") >= 8


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "description: v2 has one base path, and no alias.",
            "description: no alias",
            "needs a description that",
        ),
        (
            "    description: v2 has one base path, and no alias.\n",
            "",
            "needs a description that is a sentence",
        ),
        ("    x-chapter:\n", "    x-chapters:\n", "the first action must begin a chapter"),
        (
            "description: v2 has one base path",
            "x-why: A\n    description: v2 has one base path",
            "nobody reads x-why",
        ),
        (
            "operation: list_sessions, status",
            "operation: list_session, status",
            "shows 'list_session', which is not",
        ),
        (
            "operation: list_sessions, status: '200'",
            "operation: list_sessions, status: '204'",
            "shows '204', which",
        ),
        (
            "status: '200', headers: []",
            "status: '200', header: []",
            "x-chapter has an unknown header, or lacks",
        ),
    ],
)
def test_what_readers_need_is_there(tmp_path: Any, old: str, new: str, said: str) -> None:
    """The page cannot be made of an overlay that does not say why, or shows what is not there."""
    text = codegen.OVERLAY.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "test.overlay.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BrokenDocument, match=r"^test\.overlay\.yaml:\d+:5: ") as caught:
        migration_page(FIRST, read_v2(path, FIRST, "openapi.yaml"), "A test.")
    assert said in str(caught.value)


# The little of Markdown and JSON


def test_markdown_is_escaped() -> None:
    """Nothing of a text becomes an element by itself."""
    assert prose.paragraphs("A **bold** `<b>`\n\n[here](/a?b=1&c)") == (
        '<p>A <strong>bold</strong> <code>&lt;b&gt;</code></p>\n<p><a href="/a?b=1&amp;c">here</a></p>'
    )


def test_json_is_short() -> None:
    """What fits is on one line, and of a thing in a list the beginning is enough."""
    value = {"items": [{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, {"a": 1}], "empty": [], "none": None}
    assert "\n".join(prose.json_lines(value)) == (
        '{\n  "items": [{"a": 1, …}, {"a": 1}],\n  "empty": [],\n  "none": null\n}'
    )
