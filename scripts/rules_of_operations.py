"""Rules about operations: what each must say of its names, parameters, answers, limits and refusals."""

import keyword
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from parley.contract.deprecation import SINCE, SUNSET, parts
from parley.contract.document import DocumentedOperation, operations_of, resolve
from parley.contract.formats import is_date
from parley.contract.parameters import python_name
from scripts.specification import (
    JSON,
    SCHEMAS,
    Document,
    answers_of,
    content_of,
    name_of,
    parameters_of,
)
from scripts.versions import version_of

_ALWAYS = frozenset(("X-Request-Id", "X-Contract"))
_BY_STATUS: Mapping[int, frozenset[str]] = {
    201: frozenset(("Location",)),
    401: frozenset(("WWW-Authenticate",)),
    405: frozenset(("Allow",)),
    409: frozenset(("Retry-After",)),
    429: frozenset(("Retry-After",)),
    503: frozenset(("Retry-After",)),
}
_KEY = "Idempotency-Key"
_PER = frozenset(("user", "address", "account", "session"))
_FUNCTION_NAME = re.compile(r"[a-z][a-z0-9_]*")
_HEADER_NAME = re.compile(r"[A-Z][a-z]*(-[A-Z][a-z]*)*")
_SENTENCE = re.compile(r"[A-Z].*\.", re.DOTALL)


def tags_are_modules(document: Document) -> Iterator[str]:
    tags = {tag["name"] for tag in document.get("tags", ())}
    used = Counter(operation.tag for operation in operations_of(document))
    for operation in operations_of(document):
        if len(operation.raw["tags"]) != 1:
            yield f"{name_of(operation)}: has more than one tag, and a tag is a module"
    for odd in sorted(tags ^ used.keys()):
        yield f"tags: {odd} is declared without being used, or used without being declared"
    for tag in document.get("tags", ()):
        if not tag["name"].isidentifier() or keyword.iskeyword(tag["name"]):
            yield f"tags: {tag['name']} is no name for a module"


def ids_are_functions(document: Document) -> Iterator[str]:
    used = Counter(operation.operation_id for operation in operations_of(document))
    for name, times in used.items():
        if times > 1:
            yield f"{name}: is the operationId of {times} operations"
        if _FUNCTION_NAME.fullmatch(name) is None or keyword.iskeyword(name):
            yield f"{name}: is no name for a function"


def summaries_are_sentences(document: Document) -> Iterator[str]:
    for operation in operations_of(document):
        texts = {"summary": operation.raw.get("summary", "")}
        texts |= {word: operation.raw[word] for word in ("description",) if word in operation.raw}
        for status, answer in answers_of(document, operation).items():
            texts[f"the description of {status}"] = answer["description"]
        for where, text in texts.items():
            if _SENTENCE.fullmatch(text.strip()) is None:
                yield f"{name_of(operation)}: {where} is not a sentence"


def parameters_are_described(document: Document) -> Iterator[str]:
    for operation in operations_of(document):
        parameters = parameters_of(document, operation)
        for each in parameters:
            pattern = _HEADER_NAME if each["in"] == "header" else _FUNCTION_NAME
            if pattern.fullmatch(each["name"]) is None:
                yield f"{name_of(operation)}: {each['name']} is no good name for a parameter in {each['in']}"
            if each["in"] != "path" and _SENTENCE.fullmatch(each.get("description", "")) is None:
                yield f"{name_of(operation)}: {each['name']} is not described by a sentence"
        arguments = Counter(python_name(each["name"]) for each in parameters)
        for name in (name for name, times in arguments.items() if times > 1 or name in {"body", "caller"}):
            yield f"{name_of(operation)}: a handler cannot tell what {name} is"


def answers_are_complete(document: Document) -> Iterator[str]:
    for operation in operations_of(document):
        answers = answers_of(document, operation)
        must = _answers_that_follow(document, operation)
        for status in sorted(must - answers.keys()):
            yield f"{name_of(operation)}: does not say that it can answer {status}"
        if not any(200 <= status < 300 for status in answers):
            yield f"{name_of(operation)}: has no answer for success"
        for status in sorted(answers.keys() & {413, 415, 422} - must):
            yield f"{name_of(operation)}: cannot answer {status}"


def _answers_that_follow(document: Document, operation: DocumentedOperation) -> set[int]:
    """Return the statuses that follow from what the operation takes."""
    names = {(each["in"], each["name"]) for each in parameters_of(document, operation)}
    must = {400, 429, 500}
    # What is always the same is asked of nothing that could be out of reach.
    must |= set() if operation.raw.get("x-constant") else {503}
    if operation.raw.get("security", document.get("security")):
        must |= {401}
    if "requestBody" in operation.raw:
        must |= {413, 415}
    if any(place == "path" for place, _ in names):
        must |= {404}
    # A refresh token is its own proof, so a key beside it contradicts nothing.
    if ("header", _KEY) in names and (401 in must or "201" in operation.raw["responses"]):
        must |= {409, 422}
    return must


def answers_have_bodies(document: Document) -> Iterator[str]:
    version = version_of(document)
    for operation in operations_of(document):
        for status, answer in answers_of(document, operation).items():
            if (status in version.bodiless) is ("content" in answer):
                bodiless = " or ".join(str(each) for each in sorted(version.bodiless))
                yield f"{name_of(operation)}: {status} must have a body unless it is {bodiless}"
            media_type = version.error_type if status >= 400 else JSON
            if set(answer.get("content", {media_type: None})) != {media_type}:
                yield f"{name_of(operation)}: {status} must be {media_type}"


def errors_have_one_form(document: Document) -> Iterator[str]:
    """Every error is a shared one, and its examples carry the code that belongs to its status."""
    version = version_of(document)
    for where, status, raw in _error_answers(document):
        media_type = content_of(resolve(document, raw))
        if "$ref" not in raw:
            yield f"{where}: {status} must refer to components/responses"
        elif media_type is None or media_type["schema"].get("$ref") != SCHEMAS + version.error_schema:
            yield f"{where}: {status} must have the schema {version.error_schema}"
        elif any(code != version.codes.get(status) for code in _codes(document, media_type)):
            yield f"{where}: the code in the examples of {status} must be {version.codes.get(status)}"


def _error_answers(document: Document) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    for operation in operations_of(document):
        for status, raw in operation.raw["responses"].items():
            if int(status) >= 400:
                yield name_of(operation), int(status), raw
    for status, raw in document.get("x-outside-operations", {}).items():
        yield "x-outside-operations", int(status), raw


def _codes(document: Document, media_type: Mapping[str, Any]) -> Iterator[str]:
    for example in media_type.get("examples", {}).values():
        code = resolve(document, example)["value"]
        for name in version_of(document).error_path:
            code = code[name]
        yield code


def codes_are_listed(document: Document) -> Iterator[str]:
    listed = set(document["components"]["schemas"]["ErrorCode"]["enum"])
    for odd in sorted(listed ^ set(version_of(document).codes.values())):
        yield f"components/schemas/ErrorCode: {odd} has no status, or is not listed"


def answers_have_headers(document: Document) -> Iterator[str]:
    version = version_of(document)
    for operation in operations_of(document):
        names = {each["name"] for each in parameters_of(document, operation)}
        for status, answer in answers_of(document, operation).items():
            must = _ALWAYS | version.limit_headers | _BY_STATUS.get(status, frozenset())
            if _KEY in names and status < 300:
                must |= {"Idempotency-Replayed"}
            if {"before", "after"} <= names and status < 300:
                must |= version.page_headers
            for missing in sorted(must - answer.get("headers", {}).keys()):
                yield f"{name_of(operation)}: {status} does not declare the header {missing}"


def headers_are_shared(document: Document) -> Iterator[str]:
    for operation in operations_of(document):
        for status, answer in answers_of(document, operation).items():
            for name, header in answer.get("headers", {}).items():
                if "$ref" not in header:
                    yield f"{name_of(operation)}: {name} of {status} must refer to components/headers"


def creations_can_be_repeated(document: Document) -> Iterator[str]:
    for operation in operations_of(document):
        names = {each["name"] for each in parameters_of(document, operation)}
        if operation.method == "post" and "201" in operation.raw["responses"] and _KEY not in names:
            yield f"{name_of(operation)}: creates something, so it must take an {_KEY}"


def lists_have_pages(document: Document) -> Iterator[str]:
    for operation in operations_of(document):
        parameters = {each["name"]: each for each in parameters_of(document, operation)}
        if not {"before", "after", "limit"} & parameters.keys():
            continue
        limit = resolve(document, parameters.get("limit", {"schema": {}})["schema"])
        if (limit.get("default"), limit.get("maximum")) != (50, 100):
            yield f"{name_of(operation)}: a page has 50 items unless `limit`, up to 100, says otherwise"
        schema = _schema_of_success(document, operation)
        if not {"has_more", "next_cursor"} <= set(schema.get("required", ())):
            yield f"{name_of(operation)}: a page says has_more and next_cursor"
        if {"before", "after"} <= parameters.keys() and 400 not in _refused(operation):
            yield f"{name_of(operation)}: `before` with `after` is a refusal"


def _schema_of_success(document: Document, operation: DocumentedOperation) -> Mapping[str, Any]:
    media_type = content_of(resolve(document, operation.raw["responses"].get("200", {})))
    schema: Mapping[str, Any] = resolve(document, media_type["schema"]) if media_type else {}
    return schema


def limits_are_known(document: Document) -> Iterator[str]:
    buckets = document.get("x-rate-limits", {})
    for name, bucket in buckets.items():
        numbers = [bucket.get("limit"), bucket.get("window_seconds")]
        if not all(isinstance(number, int) and number > 0 for number in numbers):
            yield f"x-rate-limits/{name}: needs limit and window_seconds"
    for operation in operations_of(document):
        drawn = operation.raw.get("x-rate-limit")
        for each in [drawn] if not (drawn and "also" in drawn) else [drawn, drawn["also"]]:
            if not each or each.get("bucket") not in buckets or each.get("per") not in _PER:
                yield f"{name_of(operation)}: x-rate-limit must name a bucket and per what"


def refusals_are_answers(document: Document) -> Iterator[str]:
    said = version_of(document).said_in_refusals
    for operation in operations_of(document):
        refused = _refused(operation)
        answers = answers_of(document, operation).keys()
        for status in sorted(refused - answers):
            yield f"{name_of(operation)}: x-refusals has {status}, which is none of its answers"
        for status in sorted(said & answers - refused):
            yield f"{name_of(operation)}: x-refusals must say when it answers {status}"
    for where, refusal in _refusals(document):
        if set(refusal) != {"status", "when"} or not str(refusal["when"]).endswith("."):
            yield f"{where}: a refusal has a status and a sentence that says when"


def _refused(operation: DocumentedOperation) -> set[int]:
    return {refusal["status"] for refusal in operation.raw.get("x-refusals", ())}


def _refusals(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from (("x-refusals", refusal) for refusal in document.get("x-refusals", ()))
    for operation in operations_of(document):
        yield from ((name_of(operation), refusal) for refusal in operation.raw.get("x-refusals", ()))


def security_is_stated(document: Document) -> Iterator[str]:
    """Whoever says nothing needs a token; an operation without one says so on purpose."""
    schemes = document["components"].get("securitySchemes", {})
    if not document.get("security"):
        yield "security: the document must ask for a token unless an operation says otherwise"
    for operation in operations_of(document):
        for requirement in operation.raw.get("security", document.get("security", ())):
            for scheme in requirement:
                if scheme not in schemes:
                    yield f"{name_of(operation)}: there is no security scheme {scheme}"


def deprecations_have_dates(document: Document) -> Iterator[str]:
    """The server tells both in each answer that is about it, and who has to change something has a year for it."""
    names = {
        f"paths/{operation.path.replace('/', '~1')}/{operation.method}": name_of(operation)
        for operation in operations_of(document)
    }
    for place, node in parts(document):
        name = names.get(place, place)
        told = [node.get(word) for word in (SINCE, SUNSET)]
        if node.get("deprecated") is not True:
            if any(isinstance(each, str) for each in told):
                yield f"{name}: has a date of deprecation and is not deprecated"
            continue
        if not all(is_date(str(each)) for each in told):
            yield f"{name}: is deprecated, so {SINCE} and {SUNSET} must be days, each as in 2027-12-01"
            continue
        since, sunset = (date.fromisoformat(str(each)) for each in told)
        if sunset - since < timedelta(days=365):
            yield f"{name}: {SUNSET} must be at least a year after {SINCE}"


def servers_are_relative(document: Document) -> Iterator[str]:
    """The document knows no host, and its own base path comes first."""
    base = version_of(document).base
    urls = [server["url"] for server in document.get("servers", ())]
    if urls[:1] != [base] or not all(url.startswith("/") for url in urls):
        yield f"servers: must be paths, and {base} the first"


RULES = (
    tags_are_modules,
    ids_are_functions,
    summaries_are_sentences,
    parameters_are_described,
    answers_are_complete,
    answers_have_bodies,
    errors_have_one_form,
    codes_are_listed,
    answers_have_headers,
    headers_are_shared,
    creations_can_be_repeated,
    lists_have_pages,
    limits_are_known,
    refusals_are_answers,
    security_is_stated,
    deprecations_have_dates,
    servers_are_relative,
)
