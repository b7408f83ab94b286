# Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
"""The fields that nobody is to see."""

SECRET_NAMES = frozenset(
    (
        "access_token",
        "current_password",
        "new_password",
        "password",
        "refresh_token",
        "secret",
        "signing_secret",
        "token",
    )
)
