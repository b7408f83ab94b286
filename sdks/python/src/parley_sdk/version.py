"""What the SDK says of itself."""

from parley_sdk.generated.facts import CONTRACT_VERSION

__version__ = CONTRACT_VERSION
USER_AGENT = f"parley-python/{__version__}"
