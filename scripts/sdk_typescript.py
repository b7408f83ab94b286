"""Makes the generated part of the SDK for TypeScript: types, operations, errors and the facts of the contract.

@hey-api/openapi-ts was tried and left out: 6,700 lines for this contract (1,800 here), of which 1,900 are an HTTP
client of its own that knows nothing of sessions and retries, and closed enums, for which a value of a later version is
none. Types are all that TypeScript needs of a schema; they are made here, with one method for each operation.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from parley.contract.document import resolve
from scripts import sdk_contract
from scripts.sdk_contract import Contract, Operation, result_schema, schema_name

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "sdks" / "typescript" / "src" / "generated"
HEADER = f"// {sdk_contract.ORIGIN}\n"
_WIDTH = 110
_TYPES = {"integer": "number", "number": "number", "boolean": "boolean", "string": "string"}

Document = Mapping[str, Any]
Schema = Mapping[str, Any]


def generate(target: Path) -> None:
    """Write the generated modules into an empty directory."""
    document, contract = sdk_contract.document(), sdk_contract.read()
    files = {
        "models.ts": _models(document),
        "operations.ts": _operations(document, contract),
        "errors.ts": _errors(contract),
        "facts.ts": _facts(document, contract),
    }
    for name, text in files.items():
        target.joinpath(name).write_text(f"{HEADER}\n{text.rstrip()}\n", encoding="utf-8")


# ---- models


def _models(document: Document) -> str:
    schemas: Mapping[str, Schema] = document["components"]["schemas"]
    return "\n".join(_model(schemas, name) for name in schemas)


def _model(schemas: Mapping[str, Schema], name: str) -> str:
    schema = schemas[name]
    lines = [*_comment(schema.get("description", ""))]
    if "properties" not in schema:
        choices = [schema_name(choice) for choice in schema.get("oneOf", ()) if "$ref" in choice]
        kind = _either(schemas, choices) if _are_closed(schemas, choices) else _type(schema)
        return "\n".join([*lines, _alias(name, kind), ""])
    nullable = schema.get("nullable", False)
    lines.append(f"export type {name} = {{" if nullable else f"export interface {name} {{")
    required = set(schema.get("required", ()))
    # What clients send is closed, and what they leave out they may as well set to undefined.
    sent = schema.get("additionalProperties") is False
    for field, value in schema["properties"].items():
        lines += [f"  {line}" for line in _comment(value.get("description", ""))]
        kind = _type(value, closed=sent)
        left_out = "" if field in required else "?"
        lines.append(f"  {field}{left_out}: {kind}{' | undefined' if sent and left_out else ''};")
    return "\n".join([*lines, "} | null;" if nullable else "}", ""])


def _are_closed(schemas: Mapping[str, Schema], names: Sequence[str]) -> bool:
    return bool(names) and all(schemas[name].get("additionalProperties") is False for name in names)


def _either(schemas: Mapping[str, Schema], names: Sequence[str]) -> str:
    """Return a union whose members are told apart by what they do not have, which TypeScript would let through."""
    every = list(dict.fromkeys(field for name in names for field in schemas[name]["properties"]))
    kinds = []
    for name in names:
        none = [f"{field}?: undefined" for field in every if field not in schemas[name]["properties"]]
        kinds.append(f"({name} & {{ {'; '.join(none)} }})" if none else name)
    return " | ".join(kinds)


def _alias(name: str, kind: str) -> str:
    if len(kind) + len(name) + 16 <= _WIDTH:
        return f"export type {name} = {kind};"
    return f"export type {name} =\n  | " + "\n  | ".join(kind.split(" | ")) + ";"


def _type(schema: Schema, *, closed: bool = False) -> str:
    kind = " | ".join(dict.fromkeys(_kinds(schema, closed)))
    return f"{kind} | null" if schema.get("nullable") and kind != "null" else kind


def _kinds(schema: Schema, closed: bool) -> Iterator[str]:
    """Yield the members of a union."""
    if "$ref" in schema:
        yield schema_name(schema)
    elif "enum" in schema:
        yield from (json.dumps(value) for value in schema["enum"])
        # A later version may have more; a single value tells one schema of a union from the others.
        if not closed and len(schema["enum"]) > 1:
            yield "(string & {})"
    elif choices := [*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())]:
        for choice in choices:
            yield from _kinds(choice, closed)
    elif schema.get("type") == "array":
        kind = _type(schema["items"], closed=closed)
        yield f"({kind})[]" if " " in kind else f"{kind}[]"
    elif schema.get("type") == "object":
        yield "Record<string, unknown>"
    else:
        yield _TYPES.get(schema.get("type", ""), "unknown")


# ---- operations


def _operations(document: Document, contract: Contract) -> str:
    queries, methods = [], []
    for operation in contract.operations:
        query, method = _method(document, operation)
        queries.append(query)
        methods.append(method)
    return "\n".join(
        [
            'import type { CallOptions, CallRequest, KeyedOptions, Operation } from "../call.js";',
            'import { forth, newer, older } from "../pages.js";',
            'import { OPERATIONS } from "./facts.js";',
            'import type * as models from "./models.js";',
            "",
            *(query for query in queries if query),
            "/** All operations of the contract. `Client` says how a request is made. */",
            "export abstract class Operations {",
            "  /** Ask for an operation. */",
            "  abstract call<Result>(operation: Operation, request?: CallRequest): Promise<Result>;",
            "",
            "\n".join(methods).rstrip(),
            "}",
        ]
    )


def _method(document: Document, operation: Operation) -> tuple[str, str]:
    """Return the type of an operation's query, if it has one, and its method."""
    item = document["paths"][operation.path]
    raw = item[operation.method]
    parameters = [
        resolve(document, each) for each in (*item.get("parameters", ()), *raw.get("parameters", ()))
    ]
    in_path = [each for each in parameters if each["in"] == "path"]
    in_query = [each for each in parameters if each["in"] == "query"]
    name = _camel(operation.id)
    query = f"{name[0].upper()}{name[1:]}Query"
    arguments = [f"{_camel(each['name'])}: string" for each in in_path]
    given = []
    if in_path:
        pairs = ", ".join(f"{each['name']}: {_camel(each['name'])}" for each in in_path)
        given.append(f"path: {{ {pairs} }}")
    body, needed = _body(document, raw)
    if body is not None:
        arguments.append(f"body: {body}" if needed else f"body: {body} = {{}}")
        given.append("body")
    if in_query:
        arguments.append(f"query: {query} = {{}}")
        given.append("query: { ...query }")
    options = "KeyedOptions" if operation.takes_key else "CallOptions"
    arguments.append(f"options?: {options}")
    answer = result_schema(document, raw)
    result = "void" if answer is None else f"models.{answer}"
    call = f"OPERATIONS.{operation.id}, {{ {', '.join([*given, '...options'])} }}"
    lines = [
        f"  /** {raw['summary']} */",
        *_signature(name, arguments, f"Promise<{result}>"),
        f"    return this.call({call});",
        "  }",
        "",
    ]
    if operation.page is not None:
        schema = document["components"]["schemas"][result.removeprefix("models.")]
        kind = schema_name(schema["properties"][operation.page]["items"])
        ways = {each["name"] for each in in_query} & {"before", "after"}
        for way in sorted(ways, reverse=True):
            other = next(iter(ways - {way}), None)
            lines += _walk(operation, way, other, kind, [_camel(each["name"]) for each in in_path], query)
    return _query(query, in_query) if in_query else "", "\n".join(lines)


def _walk(
    operation: Operation, start: str, other: str | None, kind: str, in_path: Sequence[str], query: str
) -> list[str]:
    """Return the method that walks through a list as it fetches its pages."""
    listed = _camel(operation.id)
    rest = query if other is None else f'Omit<{query}, "{other}">'
    if start == "before":
        way, walk, asked = "older", "older", f"query: {rest} = {{}}"
        told = "back through the list, newest first; `before` begins elsewhere than at its end"
    else:
        # A list that is only to be walked forth has its oldest first.
        way, walk = "newer", "newer" if other else "forth"
        asked = f"query: {rest} & {{ after: string }}"
        told = "forth through the list, oldest first, from `after` to its present end"
    arguments = [*(f"{each}: string" for each in in_path), asked, "options?: CallOptions"]
    fetched = ", ".join([*in_path, f"{{ ...query, {start} }}", "options"])
    return [
        f"  /** Walk {told}. `limit` is the size of a page. */",
        *_signature(
            listed.replace("list", way, 1), arguments, f"AsyncGenerator<models.{kind}, void, undefined>"
        ),
        f"    return {walk}(query.{start}, async ({start}) => {{",
        f"      const page = await this.{listed}({fetched});",
        f"      return {{ items: page.{operation.page}, hasMore: page.has_more, next: page.next_cursor }};",
        "    });",
        "  }",
        "",
    ]


def _signature(name: str, arguments: Sequence[str], result: str) -> list[str]:
    line = f"  {name}({', '.join(arguments)}): {result} {{"
    if len(line) <= _WIDTH:
        return [line]
    return [f"  {name}(", *(f"    {argument}," for argument in arguments), f"  ): {result} {{"]


def _query(name: str, parameters: Sequence[Schema]) -> str:
    lines = ["/** Which part of the list. */", f"export interface {name} {{"]
    for each in parameters:
        lines += [f"  {line}" for line in _comment(each.get("description", ""))]
        kind = re.sub(r"\b([A-Z]\w+)", r"models.\1", _type(each["schema"], closed=True))
        lines.append(f"  {each['name']}?: {kind} | undefined;")
    return "\n".join([*lines, "}", ""])


def _body(document: Document, raw: Schema) -> tuple[str | None, bool]:
    if "requestBody" not in raw:
        return None, False
    body = resolve(document, raw["requestBody"])
    return f"models.{schema_name(body['content']['application/json']['schema'])}", body.get("required", False)


# ---- errors and facts


def _errors(contract: Contract) -> str:
    lines = ['import { ApiError } from "../api-error.js";', ""]
    for error in contract.error_codes:
        lines += [f"/** The server said `{error.code}`. */"]
        lines += [f"export class {error.class_name} extends ApiError {{"]
        lines += [f'  override readonly name: string = "{error.class_name}";', "}", ""]
    names = {error.code: error.class_name for error in contract.error_codes}
    lines += ["export const CLASS_OF_CODE: Readonly<Record<string, typeof ApiError>> = {"]
    lines += [f"  {code}: {name}," for code, name in names.items()]
    lines += ["};", "", "/** What a status means when its code is one of a later version. */"]
    lines += ["export const CLASS_OF_STATUS: Readonly<Record<number, typeof ApiError>> = {"]
    lines += [f"  {status}: {names[code]}," for status, code in contract.code_of_status.items()]
    return "\n".join([*lines, "};"])


def _facts(document: Document, contract: Contract) -> str:
    lines = ['import type { Bucket, CloseVerdict, Operation } from "../call.js";', ""]
    lines += [f"export const CONTRACT_VERSION = {json.dumps(contract.version)};", ""]
    lines += ["/** How each operation is asked. */", "export const OPERATIONS = {"]
    for one in contract.operations:
        facts = {"id": one.id, "method": one.method.upper(), "path": one.path, "bucket": one.bucket}
        flags = {"secured": one.secured, "takesKey": one.takes_key, "repeatable": one.repeatable}
        answer = {"answer": _promised(document, one)}
        lines.append(f"  {one.id}: {_object({**facts, **flags, **answer})},")
    lines += ["} as const satisfies Record<string, Operation>;", ""]
    lines += ["/** What each close code of the socket tells a client to do. */"]
    lines += ["export const CLOSE_VERDICTS: Readonly<Record<number, CloseVerdict>> = {"]
    for row in contract.close_verdicts:
        words = {"code": row.code, "name": row.name, "meaning": row.meaning, "reconnect": row.reconnect}
        lines.append(
            f"  {row.code}: {_object({**words, 'after': row.after_seconds * 1000, 'keepCursor': row.keep_cursor})},"
        )
    lines += ["};", "", "/** The rate limits of the contract. */"]
    lines += ["export const BUCKETS: Readonly<Record<string, Bucket>> = {"]
    for bucket in contract.buckets:
        limit = {"name": bucket.name, "limit": bucket.limit, "window": bucket.window_seconds * 1000}
        lines.append(f"  {bucket.name}: {_object(limit)},")
    lines += ["};", "", "/** The limits of the socket, by their names in the contract. */"]
    lines += ["export const SOCKET_LIMITS = {"]
    lines += [f"  {name}: {value}," for name, value in contract.socket_limits.items()]
    lines += ["} as const;", "", "/** The types of what is said on the socket. */"]
    lines += _set("FRAMES", [*contract.events, *contract.notices])
    mapping = document["components"]["schemas"]["WebhookPayload"]["discriminator"]["mapping"]
    return "\n".join([*lines, "", "/** The events of webhooks. */", *_set("PAYLOADS", mapping)])


def _promised(document: Document, operation: Operation) -> list[str] | None:
    """Return the members that the answer of an operation always has, and never as null; None without a body."""
    name = result_schema(document, document["paths"][operation.path][operation.method])
    if name is None:
        return None
    schema = document["components"]["schemas"][name]
    return [
        member for member in schema["required"] if not _may_be_null(document, schema["properties"][member])
    ]


def _may_be_null(document: Document, schema: Schema) -> bool:
    schema = resolve(document, schema)
    return bool(schema.get("nullable")) or any(
        _may_be_null(document, choice) for choice in schema.get("anyOf", ())
    )


def _set(name: str, values: Sequence[str] | Mapping[str, str]) -> list[str]:
    return [
        f"export const {name}: ReadonlySet<string> = new Set([",
        *(f"  {json.dumps(v)}," for v in values),
        "]);",
    ]


def _object(facts: Mapping[str, object]) -> str:
    pairs = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in facts.items())
    return f"{{ {', '.join(pairs)} }}"


# ---- names and comments


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _comment(text: str) -> Iterator[str]:
    """Yield a comment for editors to show."""
    words = text.replace("*/", "*").split()
    if len(text) + 7 <= _WIDTH:
        if words:
            yield f"/** {' '.join(words)} */"
        return
    yield "/**"
    line = " *"
    for word in words:
        if len(line) + len(word) + 1 > _WIDTH:
            yield line
            line = " *"
        line += f" {word}"
    yield line
    yield " */"
