"""The contract at run time: `generated/openapi.json` is loaded, bound to functions, compiled and kept.

Handlers import what stands in `__all__` and nothing else. What holds here:

- one compiled operation does all that the document says of it; nothing interprets the document per request;
- the compiled validator decides what is valid; a generated model never refuses afterwards;
- whatever is raised becomes the error envelope in `errors.py` and nowhere else.
"""

from parley.contract.replies import NO_CONTENT, Reply, created, listed, ok, paged
from parley.contract.request import RequestInfo, current_contract, current_request, limits_left

__all__ = [
    "NO_CONTENT",
    "Reply",
    "RequestInfo",
    "created",
    "current_contract",
    "current_request",
    "limits_left",
    "listed",
    "ok",
    "paged",
]
