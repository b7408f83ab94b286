"""Reads the document strictly: what one YAML reader takes for a time or overlooks, another does not."""

from pathlib import Path
from typing import Any

import yaml


class BrokenDocument(Exception):
    """The file is not YAML that every reader understands alike."""


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping, of which YAML readers silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise BrokenDocument(f"{_place(key_node)}: the key {key!r} must be quoted to be a string")
            if key in seen:
                raise BrokenDocument(f"{_place(key_node)}: the key {key!r} stands there twice")
            seen.add(key)
        return super().construct_mapping(node, deep)


def _refuse_time(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> None:
    del loader
    raise BrokenDocument(f"{_place(node)}: {node.value} must be quoted, else some readers take it for a time")


_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", _refuse_time)


def _place(node: yaml.Node) -> str:
    mark = node.start_mark
    return f"{Path(mark.name).name}:{mark.line + 1}:{mark.column + 1}"


def read_specification(path: Path) -> dict[str, Any]:
    """Return the document. Raises BrokenDocument with the line."""
    with path.open(encoding="utf-8") as file:
        try:
            document = yaml.load(file, _StrictLoader)  # a subclass of SafeLoader
        except yaml.YAMLError as error:
            raise BrokenDocument(str(error)) from error
    if not isinstance(document, dict):
        raise BrokenDocument(f"{path.name} is not a mapping")
    return document
