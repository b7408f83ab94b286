"""placeholder while the rules are written"""
from collections.abc import Iterator, Mapping
from typing import Any
from openapi_spec_validator import OpenAPIV30SpecValidator

def violations(document: Mapping[str, Any]) -> Iterator[str]:
    for error in OpenAPIV30SpecValidator(document).iter_errors():
        yield str(error)
