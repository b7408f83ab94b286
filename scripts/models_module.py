"""Writes generated/models.py with datamodel-code-generator, in the same interpreter and without a network."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OPTIONS = (
    "--input-file-type=openapi",
    "--output-model-type=pydantic_v2.BaseModel",
    "--target-python-version=3.11",
    "--target-pydantic-version=2.14",
    "--disable-timestamp",
    "--formatters=builtin",
    "--use-annotated",
    "--strict-nullable",
    "--use-missing-sentinel",
    "--collapse-root-models",
    "--use-schema-description",
    # Values are compared with parley.model's Literals, so an Enum class would only be in the way.
    "--enum-field-as-literal=all",
)

# The compiled validator has decided what an address is. Pydantic's own types for these would decide again
# and otherwise: EmailStr refuses reserved domains, which would be a 500.
_PLAIN_STRINGS = frozenset(("email", "password", "uri"))
# Pydantic takes no lengths on these: the type is the bound.
_BOUND_BY_FORMAT = frozenset(("uuid", "date", "date-time"))


def models_module(document: Mapping[str, Any], first_line: str) -> str:
    """Return the whole text of the module. Raises CalledProcessError when the generator refuses."""
    with tempfile.TemporaryDirectory() as directory:
        source, target = Path(directory, "openapi.json"), Path(directory, "models.py")
        source.write_text(json.dumps(_for_models(_with_open_objects_inline(document))), encoding="utf-8")
        command = [sys.executable, "-W", "error::UserWarning", "-m", "datamodel_code_generator", *OPTIONS]
        command += [f"--custom-file-header={first_line}", f"--input={source}", f"--output={target}"]
        subprocess.run(command, check=True)
        return target.read_text(encoding="utf-8")


def _with_open_objects_inline(document: Mapping[str, Any]) -> Any:
    """Say `type: object` where a client's own object is referred to: it is a dict and wants no class."""
    schemas = document["components"]["schemas"]
    own = {f"#/components/schemas/{name}" for name, schema in schemas.items() if schema.get("x-client-owned")}

    def inline(node: Any) -> Any:
        if isinstance(node, list):
            return [inline(each) for each in node]
        if not isinstance(node, Mapping):
            return node
        if node.get("$ref") in own:
            return {"type": "object", "additionalProperties": True}
        return {name: inline(value) for name, value in node.items()}

    kept = {name: schema for name, schema in schemas.items() if f"#/components/schemas/{name}" not in own}
    return inline({**document, "components": {**document["components"], "schemas": kept}})


def _for_models(node: Any) -> Any:
    """Return a copy without what pydantic has another opinion about."""
    if isinstance(node, list):
        return [_for_models(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    copy = {name: _for_models(value) for name, value in node.items()}
    if copy.get("type") == "string":
        if copy.get("format") in _PLAIN_STRINGS:
            del copy["format"]
        elif copy.get("format") in _BOUND_BY_FORMAT:
            copy.pop("maxLength", None)
    return copy
