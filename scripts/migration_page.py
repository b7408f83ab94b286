"""The page "from v1 to v2", made of the overlay: its actions, their reasons, and answers of both versions.

An action with `x-chapter` begins a chapter: a title, the standards that it follows, and which answers to show beside
each other. Everything that is shown is in the two documents, so it cannot differ from what the server does.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import yaml

from parley.contract.document import DocumentedOperation, operations_of, resolve
from parley.pages import prose
from scripts.overlay import Action
from scripts.specification import BrokenDocument, Document, parameters_of
from scripts.v2_document import SecondVersion
from scripts.versions import version_of

TITLE = "From v1 to v2"
_INTRODUCTION = """\
All that v2 changes, and why. This page is made from the difference itself, which makes
[the document of v2](/v2/openapi.yaml) from [that of v1](/openapi.yaml); what is not here is as it is in v1.
"""
_CHAPTER = frozenset(("title", "standards", "show"))
_STANDARD = frozenset(("name", "title", "url"))
_SHOW = frozenset(("operation", "status", "before", "example", "send", "headers"))
_SENTENCES = re.compile(r"(?:[A-Z`]|v\d).*\.", re.DOTALL)
# An update of more lines is told by the names of what it brings.
_MAX_UPDATE_LINES = 12


@dataclass(frozen=True, slots=True)
class Chapter:
    """One kind of change: the action that begins it, with the reason, and those that belong to it."""

    title: str
    standards: Sequence[Mapping[str, str]]
    show: Sequence[Mapping[str, Any]]
    actions: Sequence[Action]

    @property
    def anchor(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def migration_page(first: Document, version: SecondVersion, origin: str) -> str:
    """Return the page as HTML. Raises BrokenDocument with the line of an action that cannot be told."""
    chapters = list(_chapters(version.actions))
    contents = "\n".join(f'<li><a href="#{each.anchor}">{escape(each.title)}</a></li>' for each in chapters)
    sections = "\n".join(_section(each, first, version) for each in chapters)
    body = f"<h1>{TITLE}</h1>\n{prose.paragraphs(_INTRODUCTION)}\n<ol>\n{contents}\n</ol>\n{sections}"
    return prose.page(TITLE, body, origin).decode()


def _chapters(actions: Sequence[Action]) -> Iterator[Chapter]:
    begins = [index for index, action in enumerate(actions) if "x-chapter" in action.extensions]
    if begins[:1] != [0]:
        raise BrokenDocument(f"{actions[0].place}: the first action must begin a chapter (x-chapter)")
    for action in actions:
        if _SENTENCES.fullmatch(action.description.strip()) is None:
            raise BrokenDocument(f"{action.place}: needs a description that is a sentence; readers see it")
        for odd in action.extensions.keys() - {"x-chapter"}:
            raise BrokenDocument(f"{action.place}: nobody reads {odd}")
    for begin, end in zip(begins, [*begins[1:], len(actions)], strict=True):
        told = actions[begin].extensions["x-chapter"]
        _check(actions[begin], told, _CHAPTER, {"title", "show"})
        for standard in told.get("standards", ()):
            _check(actions[begin], standard, _STANDARD, _STANDARD)
        for show in told["show"]:
            _check(actions[begin], show, _SHOW, {"operation", "status", "headers"})
        yield Chapter(told["title"], told.get("standards", ()), told["show"], actions[begin:end])


def _check(
    action: Action, told: Mapping[str, Any], known: frozenset[str], needed: frozenset[str] | set[str]
) -> None:
    for odd in sorted((told.keys() - known) | (needed - told.keys())):
        raise BrokenDocument(f"{action.place}: x-chapter has an unknown {odd}, or lacks it")


def _section(chapter: Chapter, first: Document, version: SecondVersion) -> str:
    parts = [
        f'<section id="{chapter.anchor}">',
        f"<h2>{escape(chapter.title)}</h2>",
        prose.paragraphs(chapter.actions[0].description),
    ]
    if chapter.standards:
        links = "; ".join(
            f'<a href="{escape(each["url"])}">{escape(each["name"])}</a>, {escape(each["title"])}'
            for each in chapter.standards
        )
        parts.append(f'<p class="standards">{links}</p>')
    parts += [_pair(chapter, show, first, version) for show in chapter.show]
    parts += [_details(chapter, version), "</section>"]
    return "\n".join(parts)


# Answers of both versions


def _pair(chapter: Chapter, show: Mapping[str, Any], first: Document, version: SecondVersion) -> str:
    try:
        before = _exchange(first, {**show, "status": show.get("before", show["status"]), "send": {}})
        after = _exchange(version.document, show)
    except KeyError as error:
        raise BrokenDocument(
            f"{chapter.actions[0].place}: x-chapter shows {error}, which is not there"
        ) from error
    gone, new = _marked(before, after)
    return (
        f'<div class="pair">\n<div><h3>v1</h3>\n<pre><code>{gone}</code></pre></div>\n'
        f"<div><h3>v2</h3>\n<pre><code>{new}</code></pre></div>\n</div>"
    )


def _exchange(document: Document, show: Mapping[str, Any]) -> list[str]:
    """Write a request and its answer, as far as it is to be shown. Raises KeyError with what the document has not."""
    operation = next(
        (each for each in operations_of(document) if each.operation_id == show["operation"]), None
    )
    if operation is None:
        raise KeyError(show["operation"])
    answer = resolve(document, operation.raw["responses"][show["status"]])
    headers: dict[str, Any] = {}
    body = None
    for media_type, content in answer.get("content", {}).items():
        examples = content["examples"]
        body = resolve(
            document, examples[show["example"] if show.get("example") in examples else next(iter(examples))]
        )
        headers, body = {"Content-Type": media_type}, body["value"]
    for name, header in answer.get("headers", {}).items():
        if name in show["headers"]:
            headers[name] = resolve(document, header)["example"]
    sent = [f"{name}: {value}" for name, value in show.get("send", {}).items()]
    return [_request(document, operation), *sent, "", *prose.answer_lines(int(show["status"]), headers, body)]


def _request(document: Document, operation: DocumentedOperation) -> str:
    path = operation.path
    for each in parameters_of(document, operation):
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", each["example"])
    return f"{operation.method.upper()} {version_of(document).base}{path}"


def _marked(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    """Return both as HTML, with the lines marked that only one of them has."""
    sides: tuple[list[str], list[str]] = ([], [])
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for what, *bounds in matcher.get_opcodes():
        for side, lines, tag in (
            (sides[0], before[bounds[0] : bounds[1]], "del"),
            (sides[1], after[bounds[2] : bounds[3]], "ins"),
        ):
            text = [f"{escape(line)}\n" for line in lines]
            side += text if what == "equal" else [f"<{tag}>{line}</{tag}>" for line in text]
    return "".join(sides[0]).rstrip("\n"), "".join(sides[1]).rstrip("\n")


# Each action


def _details(chapter: Chapter, version: SecondVersion) -> str:
    items = "\n".join(
        _item(action, version.overlaid.found[action.place], first=index == 0)
        for index, action in enumerate(chapter.actions)
    )
    summary = f"What changes in the document ({len(chapter.actions)})"
    return f"<details><summary>{summary}</summary>\n<ol>\n{items}\n</ol>\n</details>"


def _item(action: Action, places: int, *, first: bool) -> str:
    told = "" if first else f"{prose.inline(action.description.strip())} "
    where = f"<code>{escape(' '.join(action.target.split()))}</code>"
    times = "" if places == 1 else f", {places} places"
    verb = "Removes" if action.remove else "Changes"
    return f"<li>{told}{verb} {where}{times}.{'' if action.remove else _update(action.update)}</li>"


def _update(update: Any) -> str:
    text = (
        yaml.safe_dump(update, sort_keys=False, allow_unicode=True, width=100).rstrip().removesuffix("\n...")
    )
    if text.count("\n") < _MAX_UPDATE_LINES:
        return prose.listing(text.split("\n"))
    names = ", ".join(f"<code>{escape(name)}</code>" for name in update)
    return f" It brings {names}."
