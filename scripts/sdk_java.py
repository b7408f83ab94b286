"""Makes the generated part of the SDK for Java: package `dev.parley.sdk.api` with models, operations, errors and facts.

openapi-generator's `native` was tried and left out: 40,000 lines for this contract, enums that lose what they do not
know, another dependency so that null can be sent, and an HTTP client of its own, which knows nothing of sessions and
retries. What is made here are records for what comes, immutable bodies for what is sent, in which null and absent
differ, and one method for each operation, which hands the request to the runtime.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from parley.contract.document import resolve
from scripts import sdk_contract
from scripts.sdk_contract import Contract, Operation, result_schema, schema_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "dev.parley.sdk"
TARGET = ROOT / "sdks" / "java" / "src" / "main" / "java" / "dev" / "parley" / "sdk" / "api"
HEADER = f"// {sdk_contract.ORIGIN}"

# The unions that are handed over, by what tells their members, with the record of members that came later.
_UNIONS = {"Event": ("type", "UnknownEvent"), "WebhookPayload": ("event", "UnknownPayload")}
# What Java keeps for itself, or for each object.
_RENAMED = {"wait": "waitSeconds", "notify": "notifies", "default": "byDefault"}
# Records that hold one of these do not print it.
_SECRETS = frozenset(("access_token", "refresh_token", "secret", "signing_secret", "token", "password"))
_BOXED = {"long": "Long", "double": "Double", "boolean": "Boolean"}
# Written by the client as parts of its own; programs call `logIn`, `logOut`, and never refresh.
_INNER = frozenset(("login", "refresh", "logout"))
_WIDTH = 110

Document = Mapping[str, Any]
Schema = Mapping[str, Any]


def generate(target: Path) -> None:
    """Write the generated package into an empty directory."""
    document, contract = sdk_contract.document(), sdk_contract.read()
    files = dict(_models(document, contract))
    files.update(_queries(document, contract))
    files["Operations"] = _operations(document, contract)
    files["Facts"] = _facts(contract)
    files.update(_errors(contract))
    for name, text in files.items():
        imports = "\n".join(f"import {each};" for each in sorted(_imports(text)))
        head = f"{HEADER}\npackage {PACKAGE}.api;"
        parts = "\n\n".join(part for part in (head, imports, text.rstrip()) if part)
        target.joinpath(f"{name}.java").write_text(f"{parts}\n", encoding="utf-8")


_IMPORTED = {
    "JsonProperty": "com.fasterxml.jackson.annotation.JsonProperty",
    "JsonSubTypes": "com.fasterxml.jackson.annotation.JsonSubTypes",
    "JsonTypeInfo": "com.fasterxml.jackson.annotation.JsonTypeInfo",
    "JsonCreator": "com.fasterxml.jackson.annotation.JsonCreator",
    "JsonValue": "com.fasterxml.jackson.annotation.JsonValue",
    "Instant": "java.time.Instant",
    "List": "java.util.List",
    "Map": "java.util.Map",
    "Function": "java.util.function.Function",
    **{
        name: f"{PACKAGE}.{name}"
        for name in (
            "ApiException",
            "Body",
            "Bucket",
            "Call",
            "CloseVerdict",
            "Operation",
            "Page",
            "Refusal",
            "Walk",
        )
    },
}


def _imports(text: str) -> Iterator[str]:
    code = re.sub(r"/\*\*.*?\*/|\"(\\.|[^\"\\])*\"", "", text, flags=re.DOTALL)
    for name, imported in _IMPORTED.items():
        if re.search(rf"(?<![\w.]){name}\b", code):
            yield imported


# ---- models


def _models(document: Document, contract: Contract) -> Iterator[tuple[str, str]]:
    schemas: Mapping[str, Schema] = document["components"]["schemas"]
    parents = _parents(schemas, contract)
    # A listener makes the frames itself; their data have classes.
    left_out = {*contract.client_frames.values(), "ClientFrame", "ServerFrame", "Nothing"}
    for name, schema in schemas.items():
        if name in left_out:
            continue
        if "enum" in schema:
            yield name, _open_enum(name, schema)
        elif name in _UNIONS:
            yield name, _union(name, schema, _members(name, schema, contract))
            yield _UNIONS[name][1], _unknown(name)
        elif "oneOf" in schema:
            choices = [schema_name(choice) for choice in schema["oneOf"]]
            described = f"{schema.get('description', 'One of several.')}"
            permitted = ", ".join(choices)
            yield name, f"{_comment(described)}public sealed interface {name} permits {permitted} {{}}\n"
        elif "properties" in schema:
            closed = schema.get("additionalProperties") is False
            make = _body if closed else _record
            yield name, make(document, name, schema, parents.get(name, ()))


def _members(name: str, schema: Schema, contract: Contract) -> dict[str, str]:
    mapping: Mapping[str, str] = schema["discriminator"]["mapping"]
    members = {kind: reference.rpartition("/")[2] for kind, reference in mapping.items()}
    return {**members, **contract.notices} if name == "Event" else members


def _parents(schemas: Mapping[str, Schema], contract: Contract) -> dict[str, list[str]]:
    """Return the interfaces of each record: the unions that it is a member of."""
    parents: dict[str, list[str]] = {}
    for name, schema in schemas.items():
        if name in _UNIONS:
            members: Sequence[str] = [*_members(name, schema, contract).values()]
        elif "oneOf" in schema and "discriminator" not in schema:
            members = [schema_name(choice) for choice in schema["oneOf"]]
        else:
            continue
        for member in members:
            parents.setdefault(member, []).append(name)
    return parents


def _open_enum(name: str, schema: Schema) -> str:
    described = schema.get("description", "One of the values below.")
    lines = [
        _comment(f"{described} A later version may have more of them: they are kept as they are.").rstrip()
    ]
    lines += [f"public record {name}(@JsonValue String value) {{"]
    for value in schema["enum"]:
        constant = re.sub(r"\W", "_", value).upper() if value != "*" else "ALL"
        lines += [f'    public static final {name} {constant} = new {name}("{value}");']
    lines += ["", "    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)", f"    public {name} {{}}", ""]
    lines += ["    @Override", "    public String toString() {", "        return value;", "    }", "}", ""]
    return "\n".join(lines)


def _union(name: str, schema: Schema, members: Mapping[str, str]) -> str:
    property_, unknown = _UNIONS[name]
    described = schema.get("description", "") or f"One of the records below, told apart by `{property_}`."
    lines = [_comment(f"{described} What came with a later version is an {unknown}.").rstrip()]
    lines += ["@JsonTypeInfo(", "    use = JsonTypeInfo.Id.NAME,", f'    property = "{property_}",']
    lines += ["    visible = true,", f"    defaultImpl = {unknown}.class)", "@JsonSubTypes({"]
    lines += [
        f'    @JsonSubTypes.Type(value = {member}.class, name = "{kind}"),'
        for kind, member in members.items()
    ]
    permitted = ",\n        ".join([*members.values(), unknown])
    lines += ["})", f"public sealed interface {name}\n    permits\n        {permitted} {{", ""]
    lines += [_comment("What tells which it is.", indent=4) + f"    String {property_}();", ""]
    lines += [_comment("What it is about.", indent=4) + "    Object data();", ""]
    lines += [
        _comment("Where it stands in the log; null where it does not.", indent=4)
        + "    default String cursor() {"
    ]
    lines += ["        return null;", "    }", ""]
    if name == "Event":
        lines += [_comment("Its number in its conversation, or null.", indent=4) + "    default Long seq() {"]
        lines += ["        return null;", "    }", ""]
    else:
        lines += [_comment("When it happened.", indent=4) + "    Instant timestamp();", ""]
    return "\n".join([*lines[:-1], "}", ""])


def _unknown(name: str) -> str:
    property_, unknown = _UNIONS[name]
    others = "String cursor, Long seq" if name == "Event" else "String cursor, Instant timestamp"
    described = "Something that this version does not know; its data are maps, lists, texts and numbers."
    parts = [f"String {property_}", "Object data", *others.split(", ")]
    components = ",\n".join(f'    @JsonProperty("{part.split()[1]}") {part}' for part in parts)
    # Also what is of a known type, and cannot be read as that, is read as this.
    alone = "@JsonTypeInfo(use = JsonTypeInfo.Id.NONE)\n"
    return (
        f"{_comment(described)}{alone}public record {unknown}(\n{components})\n    implements {name} {{}}\n"
    )


def _record(document: Document, name: str, schema: Schema, parents: Sequence[str]) -> str:
    required = set(schema.get("required", ()))
    described, components = [schema.get("description", f"A {name}.")], []
    for field, value in schema["properties"].items():
        may_lack = _is_nullable(document, value) or field not in required
        kind = _type(document, value)
        # All events and payloads have the same types for what they share.
        if may_lack or (field == "seq" and "Event" in parents):
            kind = _BOXED.get(kind, kind)
        # What is said of a field in the contract is asked of an answer.
        asked = f'"{field}"' if may_lack else f'value = "{field}", required = true'
        components.append(f"    @JsonProperty({asked}) {kind} {_java(field)}")
        told = _described(document, value)
        if told or may_lack:
            parts = [told.rstrip(".")] if told else []
            parts += ["may be null"] if may_lack else []
            described.append(f"@param {_java(field)} {'; '.join(parts)}")
    extends = f"\n    implements {', '.join(parents)}" if parents else ""
    lines = [
        _comment(*described).rstrip(),
        f"public record {name}(",
        ",\n".join(components) + f"){extends} {{",
    ]
    if _SECRETS & schema["properties"].keys():
        lines += ["    // Secrets do not get into logs.", "    @Override", "    public String toString() {"]
        lines += [f'        return "{name}[...]";', "    }"]
    if lines[-1].endswith("{"):
        return "\n".join([*lines[:-1], f"{lines[-1]}}}", ""])
    return "\n".join([*lines, "}", ""])


def _body(document: Document, name: str, schema: Schema, parents: Sequence[str]) -> str:
    """A body is immutable, and knows what was set: null is sent where it was said."""
    return _fields(
        document, name, schema["properties"], schema.get("required", ()), parents, schema.get("description")
    )


def _fields(
    document: Document,
    name: str,
    properties: Mapping[str, Schema],
    required: Sequence[str],
    parents: Sequence[str],
    description: str | None,
) -> str:
    extends = f" implements {', '.join(parents)}" if parents else ""
    lines = [_comment(description or f"What {name} sends.").rstrip()]
    lines += [f"public final class {name} extends Body{extends} {{"]
    given = [field for field in properties if field in required]
    arguments = ", ".join(f"{_type(document, properties[field])} {_java(field)}" for field in given)
    pairs = ", ".join(f'"{field}", {_java(field)}' for field in given)
    lines += [f"    public {name}({arguments}) {{", f"        super(named({pairs}));", "    }", ""]
    optional = [field for field in properties if field not in required]
    if optional:
        lines += [f"    private {name}(Map<String, Object> fields) {{", "        super(fields);", "    }", ""]
    for field in optional:
        kind = _type(document, properties[field])
        nullable = _is_nullable(document, properties[field])
        kind = _BOXED.get(kind, kind) if nullable else kind
        told = _described(document, properties[field]) or f"Sets `{field}`."
        if nullable:
            told += " Null clears it."
        lines += [
            _comment(told, indent=4).rstrip(),
            f"    public {name} {_java(field)}({kind} {_java(field)}) {{",
        ]
        lines += [f'        return new {name}(with("{field}", {_java(field)}));', "    }", ""]
    return "\n".join([*lines[:-1], "}", ""])


def _queries(document: Document, contract: Contract) -> Iterator[tuple[str, str]]:
    for operation in contract.operations:
        if parameters := _in(document, operation, "query"):
            name = _query(operation)
            properties = {
                each["name"]: {"description": each.get("description", ""), "allOf": [each["schema"]]}
                for each in parameters
            }
            described = f"Says which part {operation.id} gives; what is not set is not asked for."
            yield name, _fields(document, name, properties, (), (), described)


def _is_nullable(document: Document, schema: Schema) -> bool:
    if schema.get("nullable") or resolve(document, schema).get("nullable"):
        return True
    choices = [*schema.get("anyOf", ()), *schema.get("allOf", ())]
    return any(_is_nullable(document, choice) for choice in choices)


def _type(document: Document, schema: Schema) -> str:
    if "$ref" in schema:
        target, name = resolve(document, schema), schema_name(schema)
        if "enum" in target or "oneOf" in target or "properties" in target:
            return name
        return _type(document, target)
    for combined in ("allOf", "anyOf"):
        kinds = {
            _type(document, choice) for choice in schema.get(combined, ()) if "Nothing" not in str(choice)
        }
        if len(kinds) == 1:
            return kinds.pop()
        if kinds:
            # A day or a time.
            return "String"
    match schema.get("type"):
        case "array":
            kind = _type(document, schema["items"])
            return f"List<{_BOXED.get(kind, kind)}>"
        case "integer":
            return "long"
        case "number":
            return "double"
        case "boolean":
            return "boolean"
        case "string":
            return "Instant" if schema.get("format") == "date-time" else "String"
        case "object":
            return "Map<String, Object>"
    return "Object"


# ---- operations


def _operations(document: Document, contract: Contract) -> str:
    lines = [_comment("All operations of the contract; a client says how a request is made.").rstrip()]
    lines += ["public abstract class Operations {"]
    lines += [_comment("Carries out a request, and reads its answer.", indent=4).rstrip()]
    lines += ["    protected abstract <T> T call(Call<T> call);", ""]
    for operation in contract.operations:
        lines += _method(document, operation)
    return "\n".join([*lines[:-1], "}", ""])


def _method(document: Document, operation: Operation) -> Iterator[str]:
    raw = document["paths"][operation.path][operation.method]
    in_path, query = _in(document, operation, "path"), _in(document, operation, "query")
    body, result = _sent(document, raw), result_schema(document, raw)
    name = _java(operation.id)
    arguments = [f"String {_java(each['name'])}" for each in in_path]
    given = [_java(each["name"]) for each in in_path]
    made = f"new Call<>(Facts.{operation.id.upper()}, {result or 'Void'}.class)"
    made += "".join(f'.path("{each["name"]}", {_java(each["name"])})' for each in in_path)
    if query:
        arguments.append(f"{_query(operation)} query")
        given.append("query")
        made += ".query(query)"
    if body:
        arguments.append(f"{body} body")
        given.append("body")
        made += ".body(body)"
    visible = "protected" if operation.id in _INNER else "public"
    returned, told = result or "void", [raw["summary"]]
    if operation.takes_key:
        yield from _lines(told, visible, returned, name, arguments, f"{name}({', '.join([*given, 'null'])})")
        arguments.append("String idempotencyKey")
        made += ".key(idempotencyKey)"
        told = [*told, "With a key of one's own, which makes it safe to say again."]
    yield from _lines(told, visible, returned, name, arguments, f"call({made})")
    if operation.page is not None:
        yield from _walks(document, operation, result or "", arguments, given)


def _walks(
    document: Document, operation: Operation, page: str, arguments: Sequence[str], given: Sequence[str]
) -> Iterator[str]:
    item = _type(document, document["components"]["schemas"][page]["properties"][operation.page])[5:-1]
    parameters = {each["name"] for each in _in(document, operation, "query")}
    name = _java(operation.id)
    read = f"page -> new Page<>(page.{_java(operation.page or '')}(), page.hasMore(), page.nextCursor()));"
    asked = ", ".join("query.%s(cursor)" if each == "query" else each for each in given)
    ways = {
        "before": ("Older", "Walks back through the list, newest first, from `before` or its end."),
        "after": ("Newer", "Walks forth through the list, oldest first, from `after` to its present end."),
    }
    for parameter in ("before", "after"):
        if parameter not in parameters:
            continue
        suffix, told = ways[parameter]
        # What cannot be read backwards, as the log, has its oldest first already.
        way = suffix if "before" in parameters else "Forth"
        margin = "\n            "
        call = f'Walk.{way.lower()}({margin}query,{margin}"{parameter}",'
        call += f"{margin}cursor -> {name}({asked % parameter}),{margin}{read.removesuffix(';')}"
        told = f"{told} Pages are fetched as it goes; `limit` is the size of each."
        yield from _lines([told], "public", f"Iterable<{item}>", f"{name}{suffix}", arguments, call)


def _lines(
    told: Sequence[str], visible: str, returned: str, name: str, arguments: Sequence[str], value: str
) -> Iterator[str]:
    yield _comment(*told, indent=4).rstrip()
    yield f"    {visible} {returned} {name}({', '.join(arguments)}) {{"
    yield f"        {'' if returned == 'void' else 'return '}{value};"
    yield "    }"
    yield ""


def _in(document: Document, operation: Operation, place: str) -> list[Schema]:
    item = document["paths"][operation.path]
    raw = [*item.get("parameters", ()), *item[operation.method].get("parameters", ())]
    return [each for each in (resolve(document, one) for one in raw) if each["in"] == place]


def _query(operation: Operation) -> str:
    name = _java(operation.id)
    return f"{name[0].upper()}{name[1:]}Query"


def _sent(document: Document, raw: Schema) -> str | None:
    if "requestBody" not in raw:
        return None
    return schema_name(resolve(document, raw["requestBody"])["content"]["application/json"]["schema"])


# ---- errors and facts


def _errors(contract: Contract) -> Iterator[tuple[str, str]]:
    for error in contract.error_codes:
        name = _exception(error.class_name)
        yield (
            name,
            _comment(f"The server said `{error.code}`.")
            + f"public final class {name} extends ApiException {{\n"
            + "    private static final long serialVersionUID = 1L;\n\n"
            + f"    public {name}(Refusal refusal) {{\n        super(refusal);\n    }}\n}}\n",
        )


def _exception(class_name: str) -> str:
    return f"{class_name.removesuffix('Error')}Exception"


def _facts(contract: Contract) -> str:
    lines = [_comment("What the contract says beside its types.").rstrip(), "public final class Facts {"]
    lines += [_comment("The version of the contract that this was made from.", indent=4).rstrip()]
    lines += [f'    public static final String CONTRACT_VERSION = "{contract.version}";', ""]
    for one in contract.operations:
        facts = ", ".join(
            map(
                json.dumps, (one.id, one.method.upper(), one.path, one.secured, one.takes_key, one.repeatable)
            )
        )
        lines += [
            f'    public static final Operation {one.id.upper()} = new Operation({facts}, "{one.bucket}");'
        ]
    lines += ["", _comment("What each close code of the socket tells a client to do.", indent=4).rstrip()]
    lines += ["    public static final Map<Integer, CloseVerdict> CLOSE_VERDICTS = Map.ofEntries("]
    rows = []
    for row in contract.close_verdicts:
        words = f"{row.code}, {json.dumps(row.name)}, {json.dumps(row.meaning)}"
        decided = f"CloseVerdict.Reconnect.{row.reconnect.upper()}, {row.after_seconds}, {json.dumps(row.keep_cursor)}"
        rows.append(f"        Map.entry({row.code}, new CloseVerdict({words}, {decided}))")
    lines += [",\n".join(rows) + ");", "", _comment("The rate limits of the contract.", indent=4).rstrip()]
    lines += ["    public static final Map<String, Bucket> BUCKETS = Map.ofEntries("]
    lines += [
        ",\n".join(
            f'        Map.entry("{row.name}", new Bucket("{row.name}", {row.limit}, {row.window_seconds}))'
            for row in contract.buckets
        )
        + ");",
        "",
        "    // The limits of the socket.",
    ]
    lines += [
        f"    public static final int SOCKET_{name.upper()} = {value};"
        for name, value in contract.socket_limits.items()
    ]
    lines += ["", _comment("The error of each code.", indent=4).rstrip()]
    lines += [
        "    public static final Map<String, Function<Refusal, ApiException>> ERROR_OF_CODE = Map.ofEntries("
    ]
    made = {error.code: f"{_exception(error.class_name)}::new" for error in contract.error_codes}
    lines += [",\n".join(f'        Map.entry("{code}", {new})' for code, new in made.items()) + ");", ""]
    lines += [_comment("What a status means when its code is one of a later version.", indent=4).rstrip()]
    lines += [
        "    public static final Map<Integer, Function<Refusal, ApiException>> ERROR_OF_STATUS = Map.ofEntries("
    ]
    lines += [
        ",\n".join(
            f"        Map.entry({status}, {made[code]})" for status, code in contract.code_of_status.items()
        )
        + ");"
    ]
    return "\n".join([*lines, "", "    private Facts() {}", "}", ""])


# ---- names and comments


def _java(name: str) -> str:
    first, *rest = re.split(r"[^A-Za-z0-9]+", name)
    made = first + "".join(word[0].upper() + word[1:] for word in rest if word)
    return _RENAMED.get(made, made)


def _described(document: Document, schema: Schema) -> str:
    return str(schema.get("description") or resolve(document, schema).get("description", ""))


def _comment(*paragraphs: str, indent: int = 0) -> str:
    """Return a comment for Javadoc, with a line for each tag."""
    margin = " " * indent
    lines: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        text = (
            paragraph.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("*/", "*&#47;")
        )
        text = re.sub(r"`([^`]*)`", r"{@code \1}", text)
        wrapped = textwrap.wrap(text, _WIDTH - indent - 3, break_long_words=False, break_on_hyphens=False)
        # Tags stand together, apart from what is before them.
        if (number == 1 and paragraph.startswith("@")) or (number and not paragraph.startswith("@")):
            lines.append("")
        lines += wrapped
    if len(lines) == 1:
        return f"{margin}/** {lines[0]} */\n"
    body = "".join(f"{margin} * {line}".rstrip() + "\n" for line in lines)
    return f"{margin}/**\n{body}{margin} */\n"
