"""The contract as a document: its references followed, its operations bound to functions.

The public document names no Python. An operation's first tag is its module and its operationId the function
there; a copy that says so is what Connexion gets to read.
"""

import copy
import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Handler = Callable[..., Awaitable[Any]]
Document = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class ContractError(Exception):
    """The document and the code do not fit together; the server must not start."""


@dataclass(frozen=True, slots=True)
class DocumentedOperation:
    """One operation as the document has it; `raw` is the operation object, its references not followed."""

    path: str
    method: str
    tag: str
    operation_id: str
    raw: Mapping[str, Any]
    path_parameters: tuple[Any, ...]

    @property
    def name(self) -> str:
        """`tag.operationId`: unique, and what Connexion knows the operation by."""
        return f"{self.tag}.{self.operation_id}"


def resolve(document: Mapping[str, Any], node: Any) -> Any:
    """Follow `$ref` until there is none; only references inside of the document are known."""
    while isinstance(node, Mapping) and "$ref" in node:
        reference = node["$ref"]
        if not reference.startswith("#/"):
            raise ContractError(f"The document refers to {reference}, which is outside of it")
        node = document
        for part in reference[2:].split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def operations_of(document: Mapping[str, Any]) -> Iterator[DocumentedOperation]:
    """Yield all operations in the order of the document."""
    for path, item in document["paths"].items():
        for method, raw in item.items():
            if method not in METHODS:
                continue
            if not raw.get("tags") or "operationId" not in raw:
                raise ContractError(f"{method.upper()} {path} has no tag or no operationId")
            yield DocumentedOperation(
                path=path,
                method=method,
                tag=raw["tags"][0],
                operation_id=raw["operationId"],
                raw=raw,
                path_parameters=tuple(item.get("parameters", ())),
            )


def handler_modules(package: str) -> dict[str, Any]:
    """Import every module of a package: its name, which is a tag, to the module."""
    root = importlib.import_module(package)
    return {
        module.name: importlib.import_module(f"{package}.{module.name}")
        for module in pkgutil.iter_modules(root.__path__)
    }


def bind(
    document: Document, modules: Mapping[str, Any], version: str = ""
) -> tuple[Document, dict[str, Handler]]:
    """Return a copy whose operationIds are `tag.operationId`, and the function of each of these.

    Where several versions are served, `version` tells the names of one from those of the others; it goes before them.

    Raises ContractError with a sentence that names every operation without a function and every public
    coroutine function of a module without an operation.
    """
    bound = copy.deepcopy(document)
    functions: dict[str, Handler] = {}
    missing: list[str] = []
    for operation in operations_of(document):
        function = getattr(modules.get(operation.tag), operation.operation_id, None)
        if inspect.iscoroutinefunction(function):
            functions[version + operation.name] = function
        else:
            missing.append(f"{operation.name} ({operation.method.upper()} {operation.path})")
        bound["paths"][operation.path][operation.method]["operationId"] = version + operation.name
    unknown = [name for name in _public_functions(modules) if version + name not in functions]
    if missing or unknown:
        raise ContractError(_unbound_sentence(missing, unknown))
    return bound, functions


def _public_functions(modules: Mapping[str, Any]) -> Iterator[str]:
    for tag, module in modules.items():
        for name, value in vars(module).items():
            # What a module imported is not its own, and no operation of it.
            own = getattr(value, "__module__", None) == getattr(module, "__name__", value.__class__)
            if inspect.iscoroutinefunction(value) and own and not name.startswith("_"):
                yield f"{tag}.{name}"


def _unbound_sentence(missing: list[str], unknown: list[str]) -> str:
    sentences = []
    if missing:
        sentences.append(f"No async function handles {', '.join(missing)}.")
    if unknown:
        sentences.append(f"The document has no operation for {', '.join(unknown)}.")
    return "The contract and the handlers do not fit. " + " ".join(sentences)
