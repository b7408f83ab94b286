"""Documents with something wrong in them, for the tests of the rules."""

import json
from collections.abc import Mapping
from typing import Any

GONE: Any = object()


def with_changes(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy with other values at some places; a value of GONE removes what is there."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    for place, value in changes.items():
        *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in place.split("/")]
        node: Any = copy
        for step in steps:
            node = node[int(step)] if isinstance(node, list) else node[step]
        if value is GONE:
            del node[last]
        elif isinstance(node, list):
            node[int(last)] = value
        else:
            node[last] = value
    return copy
