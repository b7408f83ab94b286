"""What all models have in common, and the models of what this version does not know."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from parley_sdk.generated.secret_names import SECRET_NAMES

HIDDEN = "**********"


class Model(BaseModel):
    """Keeps tokens, passwords and secrets out of `repr`, and whatever it is given out of its errors."""

    model_config = ConfigDict(hide_input_in_errors=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, HIDDEN if name in SECRET_NAMES and value is not None else value


class UnknownEvent(Model):
    """Something whose type, `name`, this version does not know, or whose data a later version has changed."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    name: str = Field(validation_alias="type")
    data: Any = None
    cursor: str | None = None
    seq: int | None = None


class UnknownPayload(Model):
    """What a webhook says of an event, `name`, that this version does not know, or that a later one has changed."""

    event: ClassVar[Literal["unknown"]] = "unknown"
    name: str = Field(validation_alias="event")
    timestamp: Any = None
    data: Any = None
