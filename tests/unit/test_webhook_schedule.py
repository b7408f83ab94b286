"""When a delivery is tried again, and how fast an endpoint may be asked."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.webhooks import schedule
from parley.webhooks.schedule import DELAYS, LONGEST_PAUSE, Pace

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


def after(made: int, dice: float, retry_after: float | None = None) -> timedelta | None:
    """Return the delay after so many attempts."""
    at = schedule.next_attempt(made, NOW, retry_after=retry_after, dice=lambda: dice)
    return None if at is None else at - NOW


class TestNextAttempt:
    @pytest.mark.parametrize(
        ("made", "delay"),
        enumerate(
            [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR, None], start=1
        ),
    )
    def test_the_declared_delays(self, made: int, delay: timedelta | None) -> None:
        """At once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h; then never."""
        assert after(made, 0.5) == delay

    @pytest.mark.parametrize("made", range(1, 8))
    def test_a_fifth_more_or_less(self, made: int) -> None:
        """The dice decide within 20 %, both ends included."""
        delay = DELAYS[made - 1]
        assert after(made, 0.0) == delay * 0.8
        assert after(made, 1.0) == delay * 1.2

    def test_real_dice_are_thrown(self) -> None:
        """What failed together does not come back together."""
        dice = random.Random(7)
        found = {schedule.next_attempt(2, NOW, dice=dice.random) for _ in range(100)}
        assert len(found) == 100
        assert all(at is not None and 4 * MINUTE <= at - NOW <= 6 * MINUTE for at in found)

    def test_retry_after_makes_it_later(self) -> None:
        """An endpoint may ask for more time, and never for less."""
        assert after(1, 0.5, 120) == 120 * SECOND
        assert after(2, 0.5, 120) == 5 * MINUTE
        assert after(2, 0.5, 0) == 5 * MINUTE
        assert after(2, 0.5, -1) == 5 * MINUTE

    def test_retry_after_is_bounded(self) -> None:
        """A year is not waited for."""
        assert after(1, 0.5, 365 * 86400) == LONGEST_PAUSE
        assert after(1, 0.5, 1e300) == LONGEST_PAUSE

    def test_no_request_makes_it_more_often(self) -> None:
        """Whoever asks for time after the last attempt gets no other."""
        assert after(8, 0.5, 60) is None
        assert after(100, 0.5, 60) is None


class TestVerdict:
    @pytest.mark.parametrize(
        ("statuses", "verdict"),
        [
            ([200, 201, 202, 204, 299], "succeeded"),
            (
                [100, 301, 302, 304, 307, 308, 400, 401, 403, 404, 409, 413, 500, 501, 505, 599, None],
                "failed",
            ),
            ([410], "gone"),
            ([429, 502, 503, 504], "slow_down"),
        ],
    )
    def test_of_each_status(self, statuses: list[int | None], verdict: str) -> None:
        assert {schedule.verdict(status) for status in statuses} == {verdict}


class TestPace:
    def test_overload_slows_down(self) -> None:
        """One request a second, then half as often each time, down to one a minute."""
        pace, seen = Pace(), []
        for _ in range(8):
            pace = schedule.slower(pace, NOW)
            seen.append(pace.seconds)
            assert pace.resume_at == NOW + pace.seconds * SECOND
        assert seen == [1, 2, 4, 8, 16, 32, 60, 60]

    def test_retry_after_holds_for_all(self) -> None:
        """Until then the endpoint gets nothing at all, within bounds."""
        assert schedule.slower(Pace(), NOW, 300).resume_at == NOW + 300 * SECOND
        assert schedule.slower(Pace(), NOW, 1e9).resume_at == NOW + LONGEST_PAUSE

    def test_success_speeds_up(self) -> None:
        """Twice as fast each time, until it is asked freely again."""
        pace, seen = Pace(60.0), []
        while pace != Pace():
            pace = schedule.faster(pace, NOW)
            seen.append(pace.seconds)
        assert seen == [30, 15, 7.5, 3.75, 1.875, 0.9375, 0]
        assert schedule.faster(Pace(), NOW) == Pace()

    @given(st.lists(st.booleans(), max_size=50))
    def test_it_stays_within_bounds(self, successes: list[bool]) -> None:
        """Whatever happens, it is free or between half a second and a minute, with a time to resume at."""
        pace = Pace()
        for succeeded in successes:
            pace = schedule.faster(pace, NOW) if succeeded else schedule.slower(pace, NOW)
            assert pace == Pace() or (0.5 <= pace.seconds <= 60 and pace.resume_at is not None)


class TestHopeless:
    def test_after_five_days(self) -> None:
        """Five days of nothing but failures are enough; one success in between begins anew."""
        assert not schedule.is_hopeless(None, NOW)
        assert not schedule.is_hopeless(NOW - 5 * DAY + SECOND, NOW)
        assert schedule.is_hopeless(NOW - 5 * DAY, NOW)
