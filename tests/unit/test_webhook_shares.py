"""How places and claims are shared: whatever some take, something is left for whoever comes next."""

from uuid import UUID, uuid4

import pytest

from parley.webhooks.endpoints import MOMENT, Allowance, Endpoint
from parley.webhooks.places import LEAST_SHARE, PART_OF_THE_REST, Places, most_of
from parley.webhooks.room import fair_share, most_unwell
from parley.webhooks.workers import LOOK_AT_RATES_EVERY


def taken(places: int, owners: int) -> list[int]:
    """Let owners take places one after the other, each as many as it can get; return how many each has."""
    shares: list[int] = []
    for _ in range(owners):
        share = 0
        while share < most_of(places - sum(shares) - share, LEAST_SHARE):
            share += 1
        shares.append(share)
    return shares


def test_greedy_owners_leave_something() -> None:
    """Of two hundred places the first owner has forty, each later one less, and a dozen of them do not have all."""
    shares = taken(200, 12)
    assert shares[0] == 200 // (PART_OF_THE_REST + 1)
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 190


@pytest.mark.parametrize("places", [1, 2, 3, 8])
def test_few_places_are_used(places: int) -> None:
    """Nothing is kept back where there is little: one who is alone has at least two, if there are two."""
    assert taken(places, 1)[0] >= min(places, LEAST_SHARE)
    assert sum(taken(places, 8)) == places


@pytest.mark.parametrize("number", [1, 4, 20])
def test_who_claims_at_the_same_time_leaves_something(number: int) -> None:
    """Each gets the same, and afterwards nobody gets more until something is free again."""
    each = fair_share(800, 0, number)
    left = 800 - number * each
    assert left >= PART_OF_THE_REST * each > 0
    assert fair_share(left, each, number) <= 1
    assert fair_share(left, 0, 1) > 0


def test_who_has_nothing_gets_one() -> None:
    """As long as there is one."""
    assert fair_share(1, 0, 10) == 1
    assert fair_share(0, 0, 1) == 0
    assert fair_share(-5, 0, 1) <= 0


def test_those_who_are_not_well_leave_something() -> None:
    """Of a hundred, twenty owners with as many endpoints as they like leave some, and each of them has one."""
    free = 100
    for _ in range(20):
        held = most_unwell(free)
        assert held >= 1
        free -= held
    assert free >= 20
    assert [most_unwell(few) for few in (0, 1, 7, 8, 24)] == [1, 1, 1, 2, 2]


def endpoint_of(owner: int, *, well: bool) -> Endpoint:
    endpoint = Endpoint(uuid4(), UUID(int=owner), 10)
    if well:
        endpoint.answered(0.1)
    return endpoint


def test_a_place_that_was_taken_when_well_stays_one_of_those() -> None:
    """Whoever begins to hang meanwhile takes none from those that were not well from the beginning."""
    places = Places(2)
    quick, other = endpoint_of(1, well=True), endpoint_of(2, well=False)
    unwell = places.take(quick)
    quick.kept_silent(0.0)
    assert places.has_one_for(other)
    places.leave(quick, unwell)
    assert (places.running, quick.running, quick.unwell) == (0, 0, 0)


def test_who_is_not_well_has_half_of_the_places() -> None:
    """The other half is for those that are; what hangs for long gives some of its own to others like it."""
    places = Places(8)
    for owner in range(4):
        assert places.has_one_for(endpoint_of(owner, well=False))
        places.take(endpoint_of(owner, well=False))
    assert not places.has_one_for(endpoint_of(5, well=False))
    assert places.has_one_for(endpoint_of(5, well=True))
    places.make_up_for(4)
    assert places.has_one_for(endpoint_of(5, well=False))


def test_a_rate_gathers_for_a_moment() -> None:
    """What was not used in a moment is there, and what was used in advance is missing."""
    allowance = Allowance(100)
    assert allowance.number(0.0) == 100 * MOMENT + 1
    for _ in range(31):
        allowance.take()
    assert allowance.number(0.0) == 0
    assert allowance.number(0.05) == 0
    assert allowance.number(0.1) == 5
    assert allowance.number(1000.0) == 100 * MOMENT + 1


@pytest.mark.parametrize("rate", [1, 2, 3, 7, 10, 33, 1000])
@pytest.mark.parametrize("every", [0.05, LOOK_AT_RATES_EVERY, MOMENT])
def test_a_rate_is_used_up(rate: int, every: float) -> None:
    """Whoever asks every moment, or sooner, gets all of it in the long run."""
    allowance = Allowance(rate)
    given, looks = 0, round(60 / every)
    for look in range(looks):
        number = allowance.number(look * every)
        given += number
        for _ in range(number):
            allowance.take()
    assert 59 * rate - 1 <= given <= (60 + MOMENT) * rate + 1


def test_no_rate_is_no_limit() -> None:
    """However much is taken."""
    allowance = Allowance()
    before = allowance.number(0.0)
    for _ in range(10_000):
        allowance.take()
    assert allowance.number(0.0) == before > 0
