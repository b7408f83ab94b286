# Made from spec/openapi.yaml by scripts/codegen.py: change the former and run `make codegen`.
"""What is made from the contract. Nobody edits it."""
