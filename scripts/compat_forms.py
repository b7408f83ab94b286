"""Compares how requests and answers are written, which oasdiff overlooks; those outside of all operations too.

It says nothing of a parameter's `style` and `explode`, nor of the pattern of an answer's header, and takes any `+json`
as a kind of `application/json`, which a client that looks at its `Content-Type` does not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from parley.contract.document import DocumentedOperation, operations_of, resolve
from scripts.specification import Document, name_of

# OpenAPI 3.0.3, Parameter Object: what holds where no style is given.
_STYLES = {"query": "form", "path": "simple", "header": "simple", "cookie": "form"}


def broken_forms(released: Document, present: Document) -> Iterator[str]:
    """Say what breaks of the operations that are still there, and of what is answered outside of them."""
    now = {(each.method, each.path): each for each in operations_of(present)}
    for before in operations_of(released):
        operation = now.get((before.method, before.path))
        if operation is not None:
            yield from _parameters(name_of(before), _forms(released, before), _forms(present, operation))
    yield from _bodies(dict(_media_types(released)), dict(_media_types(present)))
    yield from _headers(dict(_patterns(released)), dict(_patterns(present)))


def _parameters(place: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, form in before.items():
        if now.get(name, form) != form:
            yield f"{place}: the parameter {name} is written in another way [parameter-form-changed]"


def _forms(document: Document, operation: DocumentedOperation) -> dict[str, Any]:
    """Return how each parameter is written, by its place and name."""
    references = (*operation.path_parameters, *operation.raw.get("parameters", ()))
    parameters = (resolve(document, each) for each in references)
    return {f"{each['name']} ({each['in']})": _form(each) for each in parameters}


def _form(parameter: Mapping[str, Any]) -> tuple[Any, ...]:
    style = parameter.get("style", _STYLES[parameter["in"]])
    explode = parameter.get("explode", style == "form")
    return style, explode, parameter.get("allowReserved", False), set(parameter.get("content", ()))


def _bodies(before: Mapping[str, set[str]], now: Mapping[str, set[str]]) -> Iterator[str]:
    """A body may get other media types, and keeps those it had."""
    for place, types in before.items():
        for gone in sorted(types - now.get(place, types)):
            yield f"{place} is not {gone} any more [media-type-removed]"


def _media_types(document: Document) -> Iterator[tuple[str, set[str]]]:
    """Yield the media types of each request and of each answer."""
    for operation in operations_of(document):
        if "requestBody" in operation.raw:
            body = resolve(document, operation.raw["requestBody"])
            yield f"{name_of(operation)}: the request", set(body["content"])
    for place, answer in _answers(document):
        yield place, set(answer.get("content", ()))


def _answers(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each answer with its place, those to what is no operation among them."""
    for operation in operations_of(document):
        for status, answer in operation.raw["responses"].items():
            yield f"{name_of(operation)}: the answer {status}", resolve(document, answer)
    for status, answer in document["x-outside-operations"].items():
        yield f"x-outside-operations: the answer {status}", resolve(document, answer)


def _headers(
    before: Mapping[tuple[str, str], str | None], now: Mapping[tuple[str, str], str | None]
) -> Iterator[str]:
    """Say of each header once that it looks different; what had no pattern may get one."""
    changed = {
        name
        for (place, name), pattern in before.items()
        if pattern not in (None, now.get((place, name), pattern))
    }
    for name in sorted(changed):
        yield f"the header {name} of answers has another pattern [response-header-pattern-changed]"


def _patterns(document: Document) -> Iterator[tuple[tuple[str, str], str | None]]:
    """Yield the pattern of each header of each answer."""
    for place, answer in _answers(document):
        for name, header in answer.get("headers", {}).items():
            schema = resolve(document, resolve(document, header)["schema"])
            yield (place, name), schema.get("pattern")
