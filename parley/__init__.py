"""Parley: a messaging backend whose contract is true by construction.

`spec/openapi.yaml` says what the server does. This package does it.
"""

__version__ = "0.1.0"
