"""Which contract is served."""

from parley.contract import Reply, ok
from parley.contract.published import PUBLISHED


async def get_contract() -> Reply:
    return ok(PUBLISHED)
