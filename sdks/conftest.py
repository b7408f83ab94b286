"""The conformance suite lives by the same rules as the tests of the server."""

pytest_plugins = ["rules", "answers", "servers"]
