"""What an answer holds."""

from types import NoneType
from typing import Any, TypeVar, cast

import httpx
from pydantic import TypeAdapter, ValidationError

from parley_sdk.api_error import ConnectionFailed

Result = TypeVar("Result")

NO_CONTENT = 204

_adapters: dict[Any, TypeAdapter[Any]] = {}


def read(answer: httpx.Response, result: type[Result]) -> Result:
    """Return an answer as a model. Raises ConnectionFailed where it is none: it came from something in between."""
    if result is NoneType:
        if answer.status_code != NO_CONTENT:
            raise ConnectionFailed(f"The answer has no place for a body ({answer.status_code}): who gave it?")
        return cast(Result, None)
    adapter = _adapters.get(result)
    if adapter is None:
        adapter = _adapters[result] = TypeAdapter(result)
    try:
        return cast(Result, adapter.validate_json(answer.content))
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"])) or "all of it" for each in error.errors()})
    # What does not fit may hold tokens or messages, so only where it does not is told.
    raise ConnectionFailed(f"The answer is no {result.__name__} ({', '.join(places)}): who gave it?")
