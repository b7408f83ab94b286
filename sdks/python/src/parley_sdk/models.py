"""All models, under the name by which a program imports them."""

from parley_sdk.generated.models import *  # noqa: F403 (the generated classes are all public)
