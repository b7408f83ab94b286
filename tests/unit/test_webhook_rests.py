"""How long the dispatcher rests: what webhooks cost those who send is bounded, and what they hear is soon there."""

import pytest

from parley.storage.deliveries import Dispatched
from parley.webhooks.dispatcher import LONGEST_CALM_REST, LONGEST_REST, rest_after


def reading(*, seen: int = 0, made: int = 0) -> Dispatched:
    return Dispatched(cursor=seen, head=seen, seen=seen, made=made, behind_since=None)


@pytest.mark.parametrize("made", [0, 5])
def test_busy_sends_have_most_of_the_time(made: int) -> None:
    """Nine tenths of it at least, and more where nobody wanted to hear of them; but it rests no longer than so."""
    rest = rest_after(reading(seen=10, made=made), 0.01, busy=True)
    assert rest >= 9 * 0.01
    assert rest_after(reading(seen=10), 0.01, busy=True) >= rest
    assert rest_after(reading(seen=10, made=made), 10.0, busy=True) == LONGEST_REST


def test_what_somebody_hears_is_not_kept_waiting() -> None:
    """While nobody waits for anybody else, and for what comes after a silence."""
    assert rest_after(reading(seen=10, made=5), 0.01, busy=False) == 0
    assert rest_after(reading(), 0.01, busy=False) == 0


def test_what_nobody_hears_is_read_seldom() -> None:
    """For a tenth of the time, and so that whatever comes next is still soon there."""
    assert rest_after(reading(seen=10), 0.002, busy=False) == pytest.approx(0.018)
    assert rest_after(reading(seen=10), 1.0, busy=False) == LONGEST_CALM_REST < 0.1
