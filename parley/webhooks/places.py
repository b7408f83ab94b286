"""The places that one process has for requests, and whose they are.

Nobody has more places than a part of what is left, and those that are not well begin in half of them only. So there
is one for whoever comes next, even where the endpoints of many people that were quick begin to hang in the same moment.
"""

from dataclasses import dataclass
from uuid import UUID

from parley.webhooks.endpoints import Endpoint

# Nobody's webhooks begin a request where they have such a part of the places that are left together already; of the
# last ones they may have two: one of them for what is well.
PART_OF_THE_REST = 4
LEAST_SHARE = 2


@dataclass(slots=True)
class Share:
    """How many places all webhooks of one owner have, and how many were taken by such as were not well then."""

    running: int = 0
    unwell: int = 0


class Places:
    """So many places for requests, and who has them."""

    def __init__(self, number: int) -> None:
        self.number = number
        # How many are taken.
        self.running = 0
        # How many of them by such as were not well then.
        self._running_unwell = 0
        self._for_unwell = max(1, number // 2)
        self._for_silent = max(1, self._for_unwell // 2)
        # How many places there are in addition for what is not well, because so many of its own hang.
        self._spare = 0
        # What each owner has, for those who have any.
        self._shares: dict[UUID, Share] = {}

    @property
    def for_unwell(self) -> int:
        """How many may be taken by those that are not well."""
        return self._for_unwell + self._spare

    def left_for_silent(self, hanging: int) -> int:
        """Return how many there are for those that do not answer, where so many hang."""
        return max(0, self._for_silent - hanging)

    def make_up_for(self, hanging: int) -> None:
        """Let others that are not well have places instead of those that hang."""
        self._spare = min(max(0, hanging - self._for_silent), self.number // 4)

    def has_one_for(self, endpoint: Endpoint) -> bool:
        """Tell whether a request to an endpoint may begin."""
        share = self._shares.get(endpoint.user_id) or Share()
        if share.running >= most_of(self.number - self.running, LEAST_SHARE):
            return False
        return endpoint.well or share.unwell < most_of(self.for_unwell - self._running_unwell, 1)

    def take(self, endpoint: Endpoint) -> bool:
        """Take one for an endpoint; return whether it was not well when it did, which `leave` wants to know."""
        unwell = not endpoint.well
        self._count(endpoint, 1, unwell)
        return unwell

    def leave(self, endpoint: Endpoint, unwell: bool) -> None:
        """Let go of one that was taken."""
        self._count(endpoint, -1, unwell)

    def _count(self, endpoint: Endpoint, number: int, unwell: bool) -> None:
        share = self._shares.setdefault(endpoint.user_id, Share())
        endpoint.running += number
        share.running += number
        self.running += number
        if unwell:
            endpoint.unwell += number
            share.unwell += number
            self._running_unwell += number
        if not share.running:
            del self._shares[endpoint.user_id]


def most_of(free: int, least: int) -> int:
    """Return with how many places somebody gets no more, where so many are free; of the last ones it is `least`."""
    return max(least, -(-free // PART_OF_THE_REST)) if free > 0 else 0
