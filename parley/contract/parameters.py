"""Parameters of path, query and header: text becomes a value, which is validated and given its Python type.

One reader is made per parameter when the server starts.
"""

import builtins
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

import jsonschema_rs

from parley.contract.document import ContractError, resolve
from parley.contract.formats import FORMATS, parse_date_time
from parley.contract.problems import Field, Problem, problems_of
from parley.contract.schemas import Schemas
from parley.errors import Invalid

_INTEGER = re.compile(r"[+-]?[0-9]{1,16}")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^0-9a-zA-Z_]")

ABSENT: Any = object()


def python_name(name: str) -> str:
    """Return what a handler calls the parameter: `Idempotency-Key` is idempotency_key, `from` is from_."""
    snake = _CAMEL.sub("_", _OTHER.sub("_", name)).lower()
    return f"{snake}_" if keyword.iskeyword(snake) or hasattr(builtins, snake) else snake


@dataclass(frozen=True, slots=True)
class Parameter:
    """Reads one parameter. `default` is ABSENT where a handler's own default is to hold."""

    name: str
    argument: str
    location: str
    required: bool
    default: Any
    is_list: bool
    repeated: bool
    separator: str | None
    parse: Callable[[str], Any]
    validator: jsonschema_rs.Validator
    convert: Callable[[Any], Any]

    def read(self, texts: Sequence[str]) -> Any:
        """Turn what was sent into what the handler takes. Raises Invalid."""
        if self.is_list:
            parts = texts if self.separator is None else texts[0].split(self.separator)
            value: Any = [self.parse(text) for text in parts]
        else:
            value = self.parse(texts[0])
        if self.validator.is_valid(value):
            return self.convert(value)
        (field, reason), *others = problems_of(self.validator, value, self.name, 20)
        raise Invalid(field, reason, *others)


def make_parameter(document: Mapping[str, Any], reference: Mapping[str, Any], schemas: Schemas) -> Parameter:
    """Make the reader of a parameter object."""
    raw = resolve(document, reference)
    name, location = raw["name"], raw["in"]
    schema = resolve(document, raw["schema"])
    if location not in {"path", "query", "header"}:
        raise ContractError(f"The parameter {name} is in {location}, which is not read here")
    is_list = schema.get("type") == "array"
    item = resolve(document, schema["items"]) if is_list else schema
    convert = _converter(document, item)
    default = schema.get("default", ABSENT)
    separator = _separator(raw, location) if is_list else None
    convert_value: Callable[[Any], Any] = _each(convert) if is_list else convert
    return Parameter(
        name=name,
        argument=python_name(name),
        location=location,
        required=raw.get("required", False),
        default=default if default is ABSENT else convert_value(default),
        is_list=is_list,
        repeated=is_list and separator is None,
        separator=separator,
        parse=_parser(item),
        validator=schemas.validator(raw["schema"]),
        convert=convert_value,
    )


def _separator(raw: Mapping[str, Any], location: str) -> str | None:
    """Return what stands between the items; None where the parameter is repeated instead."""
    style = raw.get("style", "form" if location == "query" else "simple")
    if style == "form" and raw.get("explode", True):
        return None
    if style not in {"form", "simple"}:
        raise ContractError(f"The parameter {raw['name']} has the style {style}, which is not read here")
    return ","


def _parser(schema: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return what makes JSON of the text. What is no number stays text, so that the validator refuses it."""
    return {"integer": _integer, "number": _number, "boolean": _boolean}.get(schema.get("type", ""), _text)


def _text(text: str) -> Any:
    return text


def _integer(text: str) -> Any:
    return int(text) if _INTEGER.fullmatch(text) is not None else text


def _number(text: str) -> Any:
    return float(text) if _NUMBER.fullmatch(text) is not None else text


def _boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text.lower(), text)


def _converter(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Callable[[Any], Any]:
    if "anyOf" in schema:
        return _first_that_fits([resolve(document, part) for part in schema["anyOf"]])
    return _CONVERTERS.get(schema.get("format", ""), _text)


def _first_that_fits(schemas: Sequence[Mapping[str, Any]]) -> Callable[[Any], Any]:
    """Convert to the first of several formats that the text has: a day or a time."""
    formats = [schema.get("format", "") for schema in schemas]

    def convert(text: str) -> Any:
        fitting = next(name for name in formats if FORMATS[name](text))
        return _CONVERTERS[fitting](text)

    if not all(name in _CONVERTERS for name in formats):
        raise ContractError("A parameter has alternatives which are not told apart by formats known here")
    return convert


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "uuid": UUID,
    "date-time": parse_date_time,
    "date": date.fromisoformat,
}


def _each(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: [convert(value) for value in values]


def read_query(query: bytes) -> dict[str, list[str]]:
    """Split a query string into names and their values. Raises Invalid where it is not UTF-8."""
    found: dict[str, list[str]] = {}
    for pair in query.split(b"&"):
        if not pair:
            continue
        name, _, value = pair.partition(b"=")
        found.setdefault(_decoded(name), []).append(_decoded(value))
    return found


def _decoded(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("query", "Must be UTF-8, percent-encoded") from None


class QueryReader:
    """Reads the query of one operation."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = tuple(parameters)
        self._names = frozenset(parameter.name for parameter in parameters)
        self._without: dict[str, Any] | None = None
        if not any(parameter.required for parameter in parameters):
            self._without = {
                parameter.argument: parameter.default
                for parameter in parameters
                if parameter.default is not ABSENT
            }

    def read(self, query: bytes, arguments: dict[str, Any], problems: list[Problem]) -> None:
        """Put all arguments into `arguments`, and what is wrong into `problems`."""
        if not query and self._without is not None:
            arguments.update(self._without)
            return
        try:
            given = read_query(query)
        except Invalid as error:
            problems.append((error.details["field"], error.details["reason"]))
            return
        if given.keys() - self._names:
            problems.extend(
                (Field(name, None), "Unknown query parameter") for name in given if name not in self._names
            )
        for parameter in self.parameters:
            take(parameter, given.get(parameter.name), arguments, problems)


def take(
    parameter: Parameter, texts: Sequence[str] | None, arguments: dict[str, Any], problems: list[Problem]
) -> None:
    """Read one parameter into `arguments`, or note what is wrong with it."""
    if texts is None:
        if parameter.required:
            problems.append((parameter.name, "Is required"))
        elif parameter.default is not ABSENT:
            arguments[parameter.argument] = parameter.default
    elif len(texts) > 1 and not parameter.repeated:
        problems.append((parameter.name, "Must be given once"))
    elif any("\x00" in text for text in texts):
        problems.append((parameter.name, "Must not contain U+0000"))
    else:
        try:
            arguments[parameter.argument] = parameter.read(texts)
        except Invalid as error:
            problems.extend((found["field"], found["reason"]) for found in error.details["errors"])
