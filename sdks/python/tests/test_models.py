"""The models are where the README says that they are."""

import parley_sdk
import parley_sdk.models
from parley_sdk.generated import models as generated
from parley_sdk.models import MessageEvent, TypingNotice


def test_models_are_imported_by_their_name() -> None:
    assert (MessageEvent, TypingNotice) == (generated.MessageEvent, generated.TypingNotice)


def test_every_model_is_there() -> None:
    """And each is the one that answers are."""
    made = {
        name: each
        for name, each in vars(generated).items()
        if getattr(each, "__module__", "") == generated.__name__
    }
    assert len(made) > 100
    assert made.items() <= vars(parley_sdk.models).items()
