"""What clients say on a socket, held to the document: the schemas of `components/schemas`, by the frame's type."""

from collections.abc import Mapping
from typing import Any

from parley.contract.bodies import parse_json
from parley.contract.errors import invalid
from parley.contract.problems import problems_of
from parley.contract.schemas import Schemas
from parley.errors import Invalid

MAX_PROBLEMS = 10


class ClientFrames:
    """Reads frames. `schemas` maps the types of frames to the names of their schemas in `document`."""

    def __init__(self, document: Mapping[str, Any], schemas: Mapping[str, str]) -> None:
        compiled = Schemas(document)
        self._validators = {
            str(frame_type): compiled.validator({"$ref": f"#/components/schemas/{name}"})
            for frame_type, name in schemas.items()
        }

    def read(self, text: str) -> tuple[str, dict[str, Any]]:
        """Return the type and the data of a frame. Raises Invalid with each field and what is wrong with it."""
        frame = parse_json(text.encode())
        frame_type = frame.get("type") if isinstance(frame, dict) else None
        validator = self._validators.get(frame_type) if isinstance(frame_type, str) else None
        if validator is None:
            raise Invalid("type", f"Must be one of {', '.join(self._validators)}")
        if not validator.is_valid(frame):
            raise invalid(problems_of(validator, frame, "frame", MAX_PROBLEMS))
        return str(frame_type), frame.get("data", {})
