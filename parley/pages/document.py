"""The contract itself, REST's versions and the socket's, as JSON and as YAML, exactly as the server loaded it."""

import json
from collections.abc import Mapping
from functools import partial
from importlib import resources
from typing import Any

import yaml

from parley.pages.answers import JSON, Page, StaticPage

# RFC 9512 registered the type in 2024.
_YAML = "application/yaml"


def as_json(name: str = "openapi") -> bytes:
    """Return a bundled document, read as a file: this layer knows nothing of what else is generated."""
    return (resources.files("generated") / f"{name}.json").read_bytes()


def as_yaml(name: str = "openapi") -> bytes:
    """Return the same document in YAML, in the order of its author."""
    text: str = yaml.dump(
        json.loads(as_json(name)), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110
    )
    return text.encode()


class _Dumper(yaml.SafeDumper):
    """Writes long texts as blocks, since people read them."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never write an anchor: tools for OpenAPI seldom read them."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)

# Everybody may read the contract, and a browser's API client reads it from another origin.
_ANY_ORIGIN = (("Access-Control-Allow-Origin", "*"),)


# v2's document stands below its own base path, as its paths do.
_DOCUMENTS = {"/openapi": "openapi", "/asyncapi": "asyncapi", "/v2/openapi": "openapi-v2"}


def pages() -> Mapping[str, Page]:
    """Return both forms of all documents by their paths."""
    return {
        path: page
        for place, name in _DOCUMENTS.items()
        for path, page in (
            (f"{place}.json", StaticPage(partial(as_json, name), JSON, _ANY_ORIGIN)),
            (f"{place}.yaml", StaticPage(partial(as_yaml, name), _YAML, _ANY_ORIGIN)),
        )
    }
