# Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
"""What is made from the contract. Nobody edits it."""
