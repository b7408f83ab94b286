"""What there is room for when deliveries are claimed, and how owners share it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from parley.storage.deliveries import Holding, Known, Room
from parley.webhooks.endpoints import Endpoint
from parley.webhooks.places import LEAST_SHARE, PART_OF_THE_REST, Places

# How many claims a process holds for each place that it has, and how many at once while people who send wait for
# each other.
CLAIMS_PER_PLACE = 5
BUSY_CLAIMS = 25
# Of what is claimed for those that are not well nobody holds more than such a part of what is left.
PART_OF_THE_UNWELL = 12


def room_for(
    endpoints: Collection[Endpoint], places: Places, now: float, *, is_busy: bool, everything: bool
) -> Room:
    """Return what may be claimed where these endpoints are known, and let others have the places of those that hang.

    While it `is_busy` that is little. With `everything` it is also for endpoints that are not known.
    """
    owners: dict[UUID, list[Endpoint]] = {}
    for endpoint in endpoints:
        owners.setdefault(endpoint.user_id, []).append(endpoint)
    held = sum(each.held for each in endpoints)
    free = places.number * CLAIMS_PER_PLACE - held
    hanging = sum(each.unwell_held for each in endpoints if each.hangs)
    places.make_up_for(hanging)
    free_unwell = places.for_unwell - sum(each.unwell_held for each in endpoints)
    return Room(
        well=max(0, min(free, BUSY_CLAIMS - held) if is_busy else free),
        # Never all of it: whoever is new here, and comes a moment later, has to find something.
        others=max(0, min(free, (free_unwell + 1) // 2, BUSY_CLAIMS if is_busy else free)),
        known=_known(list(owners.values()), now, free, free_unwell),
        silent=places.left_for_silent(hanging),
        each=most_unwell(free_unwell),
        owners={user_id: _holding(theirs) for user_id, theirs in owners.items()},
        everything=everything,
    )


def most_unwell(free: int) -> int:
    """Return how much somebody may hold for what is not well, where so much is free: few leave something for many."""
    return max(1, min(LEAST_SHARE, free // PART_OF_THE_REST), free // PART_OF_THE_UNWELL)


def fair_share(free: int, held: int, number: int) -> int:
    """Return how much more somebody may claim who holds something, so that it is no more than a part of the rest.

    There are so many who claim at the same time. Who has nothing gets one as long as there is any.
    """
    share = (free - PART_OF_THE_REST * held) // (PART_OF_THE_REST + number)
    return max(share, 1 if free > 0 and not held else 0)


def _known(
    owners: Sequence[Sequence[Endpoint]], now: float, free: int, free_unwell: int
) -> dict[UUID, Known]:
    """Return what there is to know of webhooks, whose owners share what may be claimed."""
    known = {each.webhook_id: each.known(now) for endpoints in owners for each in endpoints}
    wanting = [[each for each in endpoints if known[each.webhook_id].room] for endpoints in owners]
    number = sum(bool(each) for each in wanting)
    for endpoints, some in zip(owners, wanting, strict=True):
        left = fair_share(free, sum(each.held for each in endpoints), number)
        unwell_left = fair_share(free_unwell, sum(each.unwell_held for each in endpoints), number)
        # Who waited for longest is the first.
        for endpoint in sorted(some, key=lambda each: each.used_at):
            one = known[endpoint.webhook_id]
            if not endpoint.well:
                room = min(one.room, unwell_left)
                unwell_left -= room
            else:
                room = min(one.room, max(left // len(some), min(left, 1)))
            known[endpoint.webhook_id] = replace(one, room=room)
    return known


def _holding(endpoints: Sequence[Endpoint]) -> Holding:
    """Return what is held for the webhooks of one owner that are not well."""
    return Holding(sum(each.unwell_held for each in endpoints), any(each.hangs for each in endpoints))
