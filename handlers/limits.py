"""What is left of the rate limits."""

from parley.contract import Reply, limits_left, listed
from parley.model import Caller


async def get_limits(*, caller: Caller) -> Reply:
    del caller  # whose limits they are, the request under way knows
    return listed("buckets", await limits_left())
