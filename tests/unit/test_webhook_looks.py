"""How often the whole queue of webhooks is looked at."""

from parley.webhooks.workers import LONGEST_BLIND, PART, SLOW_LOOK, pause_between_looks


def test_one_slow_look_keeps_nobody_waiting() -> None:
    """The first one makes plans, and a busy machine is slow now and then: a new webhook must not wait for that."""
    assert pause_between_looks(before=0.0, took=10 * SLOW_LOOK) == 0.0
    assert pause_between_looks(before=10 * SLOW_LOOK, took=SLOW_LOOK / 2) == 0.0


def test_slow_looks_are_made_for_a_part_of_the_time() -> None:
    """But a webhook that is new here is found in seconds all the same."""
    slow = SLOW_LOOK * 1.01
    assert pause_between_looks(before=slow, took=slow) == min(slow / PART, LONGEST_BLIND)
    assert pause_between_looks(before=slow, took=100.0) == LONGEST_BLIND
