"""Which contract is served."""

from parley.contract import Reply, ok
from parley.contract.request import current_contract


async def get_contract() -> Reply:
    return ok(current_contract())
