"""Tokens, passwords and secrets show nowhere but where they are asked for."""

from typing import Any

import pytest
from parley_sdk import MemoryTokenStore, Tokens, models
from parley_sdk.generated.secret_names import SECRET_NAMES
from parley_sdk.model import Model
from pydantic import ValidationError

SECRETIVE = [
    kind
    for kind in vars(models).values()
    if isinstance(kind, type) and issubclass(kind, Model) and SECRET_NAMES & kind.model_fields.keys()
]


@pytest.mark.parametrize("kind", SECRETIVE, ids=lambda kind: str(kind.__name__))
def test_no_model_shows_a_secret(kind: type[Model]) -> None:
    fields: dict[str, Any] = dict.fromkeys(kind.model_fields, "hunter2")
    made = kind.model_construct(**fields)
    for name in SECRET_NAMES & kind.model_fields.keys():
        assert getattr(made, name) == "hunter2"
        assert f"{name}='hunter2'" not in repr(made)
        assert f"{name}='hunter2'" not in str([made])


def test_there_are_models_with_secrets() -> None:
    assert {models.Credentials, models.Tokens, models.CreatedWebhook, models.AuthData} <= set(SECRETIVE)


def test_what_is_missing_shows_as_missing() -> None:
    assert "secret=None" in repr(models.RotateSecret(secret=None))


def test_what_does_not_fit_is_not_shown() -> None:
    with pytest.raises(ValidationError) as raised:
        models.Credentials.model_validate({"email": "ada@example.com", "password": ["hunter2"]})
    assert "hunter2" not in str(raised.value)


def test_a_session_shows_no_token() -> None:
    tokens = Tokens("hunter2", "hunter2", 1.0, 2.0)
    store = MemoryTokenStore()
    store.save(tokens)
    assert "hunter2" not in f"{tokens!r} {store!r}"
