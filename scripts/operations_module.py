"""Writes generated/operations.py: one Protocol per tag, which the handler module of that name fulfils."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from parley.contract.document import DocumentedOperation, operations_of, resolve
from parley.contract.parameters import python_name

Document = Mapping[str, Any]

_FORMATS = {"uuid": "UUID", "date-time": "datetime", "date": "date"}
_TYPES = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}

_DOCSTRING = '''"""What the handlers are: a Protocol per tag, whose methods are the operations.

The module `handlers.<tag>` fulfils the Protocol of that tag, which mypy proves. A method gets the parameters
of its operation, already validated, the body as its model, and who calls where a token is needed.
"""'''


def operations_module(document: Document, first_line: str) -> str:
    """Return the whole text of the module."""
    operations = list(operations_of(document))
    parts = [_alias(document, name) for name in _unions(document, operations)]
    for tag in dict.fromkeys(operation.tag for operation in operations):
        parts.append(_protocol(document, tag, [each for each in operations if each.tag == tag]))
    text = "\n\n\n".join(parts)
    return f"{first_line}\n{_DOCSTRING}\n\n{_imports(text)}\n\n{text}\n"


def _imports(text: str) -> str:
    """Import exactly what the text uses."""
    modules = (
        ("datetime", ("date", "datetime")),
        ("typing", ("Literal", "Protocol", "TypeAlias")),
        ("uuid", ("UUID",)),
        (None, ()),
        ("generated", ("models",)),
        ("parley.contract", ("Reply",)),
        ("parley.model", ("Caller",)),
    )
    lines = []
    for module, names in modules:
        used = [name for name in names if re.search(rf"\b{name}\b", text)]
        if module is None:
            lines.append("")
        elif used:
            lines.append(f"from {module} import {', '.join(used)}")
    return "\n".join(lines)


def _unions(document: Document, operations: Sequence[DocumentedOperation]) -> Iterator[str]:
    """Yield the bodies that are one of several schemas: the models know only those, not the union."""
    for name in dict.fromkeys(_body_name(document, operation) for operation in operations):
        if name is not None and "oneOf" in document["components"]["schemas"][name]:
            yield name


def _alias(document: Document, name: str) -> str:
    choices = document["components"]["schemas"][name]["oneOf"]
    members = "\n    | ".join(f"models.{_schema_name(choice)}" for choice in choices)
    return f"{name}: TypeAlias = (\n    {members}\n)"


def _protocol(document: Document, tag: str, operations: Sequence[DocumentedOperation]) -> str:
    described = {each["name"]: each["description"] for each in document["tags"]}
    head = f'class {tag.capitalize()}(Protocol):\n    """{described[tag]}"""\n'
    return "\n".join([head, "\n".join(_method(document, operation) for operation in operations)]).rstrip("\n")


def _method(document: Document, operation: DocumentedOperation) -> str:
    arguments = list(_arguments(document, operation))
    lines = [f"    async def {operation.operation_id}("]
    lines += ["        self,", "        *,"] if arguments else ["        self,"]
    lines += [f"        {argument}," for argument in arguments]
    lines += ["    ) -> Reply:", f'        """{operation.raw["summary"]}"""', "        ...", ""]
    return "\n".join(lines)


def _arguments(document: Document, operation: DocumentedOperation) -> Iterator[str]:
    for each in (*operation.path_parameters, *operation.raw.get("parameters", ())):
        yield _parameter(document, resolve(document, each))
    body = _body_name(document, operation)
    if body is not None:
        union = "oneOf" in document["components"]["schemas"][body]
        model = body if union else f"models.{body}"
        required = resolve(document, operation.raw["requestBody"]).get("required", False)
        yield f"body: {model}" if required else f"body: {model} | None"
    if operation.raw.get("security", document.get("security")):
        yield "caller: Caller"


def _parameter(document: Document, parameter: Mapping[str, Any]) -> str:
    schema = resolve(document, parameter["schema"])
    declared = f"{python_name(parameter['name'])}: {_type(document, schema)}"
    if parameter.get("required"):
        return declared
    if "default" in schema:
        return f"{declared} = {schema['default']!r}"
    return f"{declared} | None = None"


def _type(document: Document, schema: Mapping[str, Any]) -> str:
    schema = resolve(document, schema)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(_type(document, choice) for choice in schema[word]))
    if "enum" in schema:
        return f"Literal[{', '.join(repr(value) for value in schema['enum'])}]"
    if schema["type"] == "array":
        return f"list[{_type(document, schema['items'])}]"
    return _FORMATS.get(schema.get("format", ""), _TYPES[schema["type"]])


def _body_name(document: Document, operation: DocumentedOperation) -> str | None:
    if "requestBody" not in operation.raw:
        return None
    body = resolve(document, operation.raw["requestBody"])
    return _schema_name(body["content"]["application/json"]["schema"])


def _schema_name(reference: Mapping[str, Any]) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name
