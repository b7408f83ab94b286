"""Which contract is served."""

from parley.contract import Reply, current_contract, ok


async def get_contract() -> Reply:
    return ok(current_contract())
