"""What all suites share; `tests/support/rules.py` holds for the conformance of the SDKs too."""

pytest_plugins = ["rules", "answers", "databases", "servers", "payloads"]
