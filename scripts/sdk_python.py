"""Makes the generated part of the SDK for Python: models, operations, errors and the facts of the contract.

The models come from datamodel-code-generator, which makes the server's too. openapi-python-client was tried and
left out: its enums refuse values of a later version, and its functions (four for each operation, 19,000 lines)
know nothing of tokens, retries and errors, which the methods made here hand to the runtime.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from parley.contract.document import resolve
from scripts import sdk_contract
from scripts.sdk_contract import Contract, Operation, result_schema, schema_name

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "sdks" / "python" / "src" / "parley_sdk" / "generated"
HEADER = f"# {sdk_contract.ORIGIN}"

OPTIONS = (
    "--input-file-type=openapi",
    "--output-model-type=pydantic_v2.BaseModel",
    "--target-python-version=3.11",
    "--disable-timestamp",
    "--formatters=builtin",
    "--strict-nullable",
    "--collapse-root-models",
    "--use-schema-description",
    "--enum-field-as-literal=all",
    "--use-union-operator",
    "--use-title-as-name",
    "--base-class=parley_sdk.model.Model",
)
# What the server judges; a client that judged too would refuse what a later server allows.
_BOUNDS = frozenset(
    ("minLength", "maxLength", "pattern", "minimum", "maximum", "minItems", "maxItems", "uniqueItems")
)
_PLAIN_STRINGS = frozenset(("email", "password", "uri"))
_TYPES = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}
_FORMATS = {"uuid": "UUID | str", "date-time": "datetime | str", "date": "date | str"}
# Names of parameters that Python keeps for itself.
_RESERVED = frozenset(("from", "type", "before_", "id"))
# Frames that are for the listener itself.
_NOT_HANDED_OVER = frozenset(("ready", "pong"))
# What the fields are called that nobody is to see.
_SECRET = re.compile(r"(^|_)(token|password|secret)$")


def generate(target: Path) -> None:
    """Write the generated package into an empty directory."""
    document, contract = sdk_contract.document(), sdk_contract.read()
    files = {
        "__init__.py": f'{HEADER}\n"""What is made from the contract. Nobody edits it."""\n',
        "models.py": _models(document),
        "operations.py": _operations(document, contract),
        "error_classes.py": _error_classes(contract),
        "facts.py": _facts(document, contract),
        "secret_names.py": _secret_names(document),
    }
    for name, text in files.items():
        target.joinpath(name).write_text(text, encoding="utf-8")


def _models(document: Mapping[str, Any]) -> str:
    with tempfile.TemporaryDirectory() as directory:
        source, made = Path(directory, "openapi.json"), Path(directory, "models.py")
        source.write_text(json.dumps(_with_unknown(_open(document))), encoding="utf-8")
        command = [sys.executable, "-W", "error::UserWarning", "-m", "datamodel_code_generator", *OPTIONS]
        command += [f"--custom-file-header={HEADER}", f"--input={source}", f"--output={made}"]
        subprocess.run(command, check=True)
        return _unknown_last(made.read_text(encoding="utf-8"))


def _open(node: Any) -> Any:
    """Return a copy without bounds, and with enums that take a later version's values, too."""
    if isinstance(node, list):
        return [_open(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    if "type" in node and not isinstance(node["type"], Mapping):
        node = {name: value for name, value in node.items() if name not in _BOUNDS}
        if node["type"] == "string" and node.get("format") in _PLAIN_STRINGS:
            node = {name: value for name, value in node.items() if name != "format"}
        # A single value tells one schema of a union from the others.
        if node["type"] == "string" and len(node.get("enum", ())) > 1:
            outer = {name: node[name] for name in ("description", "nullable", "default") if name in node}
            return {**outer, "anyOf": [{"type": "string", "enum": node["enum"]}, {"type": "string"}]}
    return {name: _open(value) for name, value in node.items()}


def _with_unknown(document: dict[str, Any]) -> dict[str, Any]:
    """Let a page of events hold some whose type came later; their model is written by hand."""
    events = document["components"]["schemas"]["EventPage"]["properties"]["events"]
    unknown = {"type": "object", "customTypePath": "parley_sdk.model.UnknownEvent"}
    events["items"] = {"anyOf": [events["items"], unknown]}
    return document


def _unknown_last(text: str) -> str:
    """Let an event be unknown only where it is none of the known ones."""
    known_or_not = "list[Annotated[\\1 | UnknownEvent, Field(union_mode='left_to_right')]]"
    text, count = re.subn(r"list\[UnknownEvent \| ([\w| ]+)\]", known_or_not, text)
    text, imports = re.subn("from typing import ", "from typing import Annotated, ", text)
    assert count == imports == 1, "The generator writes a page of events, or its imports, in another way"
    return text


def _secret_names(document: Mapping[str, Any]) -> str:
    """Return the names of all fields that hold a token, a password or a secret."""
    names = sorted(
        {
            name
            for schema in document["components"]["schemas"].values()
            for name, value in schema.get("properties", {}).items()
            if _SECRET.search(name) or resolve(document, value).get("format") == "password"
        }
    )
    lines = [HEADER, '"""The fields that nobody is to see."""', "", "SECRET_NAMES = frozenset(", "    ("]
    return "\n".join([*lines, *(f'        "{name}",' for name in names), "    )", ")", ""])


def _error_classes(contract: Contract) -> str:
    lines = [HEADER, '"""An error for each code of the contract."""', ""]
    lines += ["from parley_sdk.api_error import ApiError", ""]
    for error in contract.error_codes:
        lines += [
            "",
            f"class {error.class_name}(ApiError):",
            f'    """The server said `{error.code}`."""',
            "",
        ]
    lines += ["", "CLASS_OF_CODE: dict[str, type[ApiError]] = {"]
    lines += [f'    "{error.code}": {error.class_name},' for error in contract.error_codes]
    lines += ["}", "# What a status means when its code is one of a later version."]
    lines += ["CLASS_OF_STATUS: dict[int, type[ApiError]] = {"]
    names = {error.code: error.class_name for error in contract.error_codes}
    lines += [f"    {status}: {names[code]}," for status, code in contract.code_of_status.items()]
    return "\n".join([*lines, "}", ""])


def _facts(document: Mapping[str, Any], contract: Contract) -> str:
    lines = [HEADER, '"""What the contract says beside its types."""', ""]
    lines += ["from dataclasses import dataclass", "from typing import Literal", ""]
    lines += ["from pydantic import BaseModel", ""]
    lines += [
        "from parley_sdk.generated import models",
        "from parley_sdk.model import UnknownEvent, UnknownPayload",
        "",
    ]
    lines += [f'CONTRACT_VERSION = "{contract.version}"', "", ""]
    lines += [
        "@dataclass(frozen=True, slots=True)",
        "class CloseVerdict:",
        '    """What a close code of the socket tells a client to do."""',
        "",
        "    code: int",
        "    name: str",
        "    meaning: str",
        '    reconnect: Literal["never", "now", "later", "new_token", "new_session"]',
        "    after_seconds: int",
        "    keep_cursor: bool",
        "",
        "",
        "@dataclass(frozen=True, slots=True)",
        "class Bucket:",
        '    """A rate limit: so many requests in a window."""',
        "",
        "    name: str",
        "    limit: int",
        "    window_seconds: int",
        "",
        "",
        "@dataclass(frozen=True, slots=True)",
        "class Operation:",
        '    """How an operation is asked; `repeatable` says whether it may be asked again after a cut."""',
        "",
        "    id: str",
        "    method: str",
        "    path: str",
        "    secured: bool",
        "    takes_key: bool",
        "    repeatable: bool",
        "    bucket: str",
        "",
        "",
        "@dataclass(frozen=True, slots=True)",
        "class Listing:",
        '    """What a page calls its items, and in what order they are."""',
        "",
        "    items: str",
        "    newest_first: bool",
        "",
        "",
        "CLOSE_VERDICTS = {",
    ]
    for row in contract.close_verdicts:
        lines += [f"    {row.code}: CloseVerdict("]
        values = (row.code, row.name, row.meaning, row.reconnect, row.after_seconds, row.keep_cursor)
        lines += [f"        {_literal(value)}," for value in values]
        lines += ["    ),"]
    lines += ["}", "BUCKETS = {"]
    lines += [
        f'    "{row.name}": Bucket("{row.name}", {row.limit}, {row.window_seconds}),'
        for row in contract.buckets
    ]
    lines += ["}", "OPERATIONS = {"]
    for one in contract.operations:
        facts = (
            one.id,
            one.method.upper(),
            one.path,
            one.secured,
            one.takes_key,
            one.repeatable,
            one.bucket,
        )
        lines += [f'    "{one.id}": Operation({", ".join(_literal(fact) for fact in facts)}),']
    lines += ["}", "# The limits of the socket, by their names in the document."]
    lines += ["SOCKET_LIMITS = {"]
    lines += [f'    "{name}": {value},' for name, value in contract.socket_limits.items()]
    lines += ["}", "# The classes of what a socket says, by type."]
    frames = {**contract.events, **contract.notices}
    lines += [
        "FRAMES: dict[str, type[BaseModel]] = {",
        *(f'    "{kind}": models.{schema},' for kind, schema in frames.items()),
        "}",
    ]
    lines += ["# What is listed, by the class of the page."]
    lines += ["LISTINGS: dict[type[BaseModel], Listing] = {"]
    for one, raw, page in _lists(document, contract):
        newest_first = any(each["name"] == "before" for each in _parameters(document, one, raw))
        lines += [f'    models.{page}: Listing("{one.page}", {newest_first}),']
    payloads = document["components"]["schemas"]["WebhookPayload"]["discriminator"]["mapping"].values()
    notices = [schema for kind, schema in contract.notices.items() if kind not in _NOT_HANDED_OVER]
    lines += ["}"]
    lines += _union("Event", [*contract.events.values(), *notices], "UnknownEvent")
    lines += _union("WebhookEvent", [each.rpartition("/")[2] for each in payloads], "UnknownPayload")
    return "\n".join([*lines, ""])


def _union(name: str, schemas: Sequence[str], unknown: str) -> list[str]:
    members = [*(f"models.{schema}" for schema in schemas), unknown]
    return [f"{name} = (", f"    {members[0]}", *(f"    | {member}" for member in members[1:]), ")"]


def _lists(
    document: Mapping[str, Any], contract: Contract
) -> Iterator[tuple[Operation, Mapping[str, Any], str]]:
    """Yield the operations that give pages, and the schema of these."""
    for operation in contract.operations:
        raw = document["paths"][operation.path][operation.method]
        page = result_schema(document, raw)
        if operation.page is not None and page is not None:
            yield operation, raw, page


def _parameters(
    document: Mapping[str, Any], operation: Operation, raw: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    shared = document["paths"][operation.path].get("parameters", ())
    return [resolve(document, each) for each in (*shared, *raw.get("parameters", ()))]


def _literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _operations(document: Mapping[str, Any], contract: Contract) -> str:
    sync = [_method(document, operation, "") for operation in contract.operations]
    asynchronous = [_method(document, operation, "async ") for operation in contract.operations]
    body = "\n".join(
        [
            "class Operations(ABC):",
            '    """Every operation of the contract, as a method that waits."""',
            "",
            _abstract(""),
            *sync,
            _walks(document, contract, "Iterator", "{}", "walk"),
            "",
            "class AsyncOperations(ABC):",
            '    """Every operation of the contract, as a coroutine."""',
            "",
            _abstract("async "),
            *asynchronous,
            _walks(document, contract, "AsyncIterator", "Coroutine[Any, Any, {}]", "walk_async"),
        ]
    )
    imports = [
        HEADER,
        '"""The operations of the contract. `Client` and `AsyncClient` say how a request is made."""',
        "",
        "from abc import ABC, abstractmethod",
        "from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence",
        f"from datetime import {', '.join(name for name in ('date', 'datetime') if re.search(rf'{name} ', body))}",
        "from types import NoneType",
        "from typing import Any, ParamSpec, TypeVar, overload",
        "from uuid import UUID",
        "",
        "from parley_sdk.generated import models",
        "from parley_sdk.generated.facts import OPERATIONS, Event, Operation",
        "from parley_sdk.pages import walk, walk_async",
        "",
        'Asked = ParamSpec("Asked")',
        'Result = TypeVar("Result")',
        "",
        "",
    ]
    return "\n".join([*imports, body.rstrip(), ""])


def _abstract(prefix: str) -> str:
    return "\n".join(
        [
            "    @abstractmethod",
            f"    {prefix}def call(",
            "        self,",
            "        operation: Operation,",
            "        result: type[Result],",
            "        *,",
            "        path: Mapping[str, object] = {},",
            "        query: Mapping[str, object] = {},",
            "        body: object = None,",
            "        idempotency_key: str | None = None,",
            "    ) -> Result:",
            '        """Ask for an operation, and return its answer as what `result` is the class of."""',
            "",
        ]
    )


def _walks(document: Mapping[str, Any], contract: Contract, iterator: str, given: str, walk: str) -> str:
    """Return the method that walks through any list, typed for each of them."""
    lines = []
    for operation, _, page in _lists(document, contract):
        items = document["components"]["schemas"][page]["properties"][operation.page]["items"]
        item = schema_name(items)
        asked = given.format(f"models.{page}")
        lines += [
            "    @overload",
            "    def each(",
            f"        self, operation: Callable[Asked, {asked}], *arguments: Asked.args, **query: Asked.kwargs",
            f"    ) -> {iterator}[{'Event' if item == 'Event' else f'models.{item}'}]: ...",
            "",
        ]
    lines += [
        f"    def each(self, operation: Callable[..., Any], *arguments: Any, **query: Any) -> {iterator}[Any]:",
        '        """Walk through a list: back from its newest end, or from `before`; or forth from `after`.',
        "",
        '        As in `client.each(client.list_groups, visibility="public")`. Events only go forth.',
        '        """',
        f"        return {walk}(operation, arguments, query)",
        "",
    ]
    return "\n".join(lines)


def _method(document: Mapping[str, Any], operation: Operation, prefix: str) -> str:
    raw = document["paths"][operation.path][operation.method]
    parameters = _parameters(document, operation, raw)
    in_path = [each for each in parameters if each["in"] == "path"]
    in_query = [each for each in parameters if each["in"] == "query"]
    positional = [f"{each['name']}: {_type(document, each['schema'])}" for each in in_path]
    body = _body(document, raw)
    if body is not None:
        positional.append(f"body: {body} | Mapping[str, Any]")
    keywords = [
        f"{_name(each['name'])}: {_type(document, each['schema'])} | None = None" for each in in_query
    ]
    if operation.takes_key:
        keywords.append("idempotency_key: str | None = None")
    arguments = ["self", *positional, *(["*", *keywords] if keywords else [])]
    answer = result_schema(document, raw)
    result = None if answer is None else f"models.{answer}"
    lines = [f"    {prefix}def {operation.id}("]
    lines += [f"        {argument}," for argument in arguments]
    lines += [f"    ) -> {result or 'None'}:", f'        """{raw["summary"]}"""']
    lines += [f"        {'return ' if result else ''}{'await ' if prefix else ''}self.call("]
    lines += [f'            OPERATIONS["{operation.id}"],', f"            {result or 'NoneType'},"]
    if in_path:
        pairs = ", ".join(f'"{each["name"]}": {each["name"]}' for each in in_path)
        lines += [f"            path={{{pairs}}},"]
    if in_query:
        lines += ["            query={"]
        lines += [f'                "{each["name"]}": {_name(each["name"])},' for each in in_query]
        lines += ["            },"]
    if body is not None:
        lines += ["            body=body,"]
    if operation.takes_key:
        lines += ["            idempotency_key=idempotency_key,"]
    return "\n".join([*lines, "        )", ""])


def _body(document: Mapping[str, Any], raw: Mapping[str, Any]) -> str | None:
    if "requestBody" not in raw:
        return None
    schema = resolve(document, raw["requestBody"])["content"]["application/json"]["schema"]
    name = schema_name(schema)
    choices: Sequence[Mapping[str, Any]] = document["components"]["schemas"][name].get("oneOf", [schema])
    return " | ".join(f"models.{schema_name(choice)}" for choice in choices)


def _name(parameter: str) -> str:
    return f"{parameter}_" if parameter in _RESERVED else parameter


def _type(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    return " | ".join(dict.fromkeys(_types(document, schema)))


def _types(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    schema = resolve(document, schema)
    for choice in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from _types(document, choice)
    if schema.get("type") == "array":
        yield f"Sequence[{_type(document, schema['items'])}]"
    elif "type" in schema:
        yield from _FORMATS.get(schema.get("format", ""), _TYPES[schema["type"]]).split(" | ")
