"""Webhooks stand back while those who send wait for each other, and endpoints get what they can take."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from parley.webhooks.endpoints import LANE, MOST_IN_STOCK, REST, SLOW, Endpoint, Job
from parley.webhooks.pressure import WINDOW, Pressure
from parley.webhooks.schedule import Pace


class Clock:
    """Seconds, which a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class TestPressure:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    def commits(self, clock: Clock, number: int, messages: int, seconds: float) -> Pressure:
        """Return the pressure after commits one right after the other, with pauses that fill the window."""
        pressure = Pressure(clock)
        for _ in range(number):
            clock.now += WINDOW / number
            pressure.observe(messages, seconds)
        return pressure

    def test_nothing_is_sent(self, clock: Clock) -> None:
        pressure = Pressure(clock)
        assert not pressure.busy
        assert pressure.rate == 0

    def test_one_after_the_other(self, clock: Clock) -> None:
        """A client that sends one message after the other keeps the log at work, but nobody waits for anybody."""
        assert not self.commits(clock, 100, 1, WINDOW / 100).busy

    def test_many_now_and_then(self, clock: Clock) -> None:
        """A large batch now and then leaves the log idle most of the time."""
        assert not self.commits(clock, 5, 200, WINDOW / 100).busy

    def test_many_all_the_time(self, clock: Clock) -> None:
        """Batches that follow one another are people who wait; when they are done it is over."""
        pressure = self.commits(clock, 50, 20, WINDOW / 60)
        assert pressure.busy
        assert pressure.rate == pytest.approx(50 * 20 / WINDOW, rel=0.05)
        clock.now += WINDOW * 1.1
        assert not pressure.busy
        assert pressure.rate == 0


def endpoint(**more: object) -> Endpoint:
    return Endpoint(UUID(int=1), UUID(int=2), most=20, **more)  # type: ignore[arg-type]  # a test names fields as it likes


class TestEndpoint:
    def test_a_new_one(self) -> None:
        """One request, until it has answered; then twice as many with each answer, up to the setting."""
        one = endpoint()
        assert (one.room(0), one.width, one.well) == (1, 1, False)
        widths = []
        for _ in range(6):
            one.answered(0.01)
            widths.append(one.width)
        assert widths == [2, 4, 8, 16, 20, 20]
        assert one.well

    def test_stock_follows_speed(self) -> None:
        """As much as is sent within a second: much to who is quick, little more than is under way to who is not."""
        quick, slow = endpoint(concurrency=20, seconds=0.001), endpoint(concurrency=20, seconds=1.5)
        assert quick.room(0) == MOST_IN_STOCK
        assert slow.room(0) == 20
        quick.running = 20
        assert quick.room(0) == MOST_IN_STOCK - 20

    def test_who_is_silent(self) -> None:
        """It begins anew, after a rest."""
        one = endpoint(concurrency=20, seconds=0.01)
        one.kept_silent(50.0)
        assert (one.width, one.well, one.room(50.0), one.room(50.0 + REST)) == (1, False, 0, 1)

    def test_who_is_slow(self) -> None:
        """It is not well, and gets on as it can."""
        assert not endpoint(seconds=SLOW).well

    def test_a_lane(self) -> None:
        """One at a time; the next ones are claimed when all are done and the lane was let go of."""
        one = endpoint(ordered=True, concurrency=20, seconds=0.01)
        assert (one.width, one.room(0)) == (1, LANE)
        one.lane_until = datetime.now(UTC)
        assert one.room(0) == 0

    def test_a_pace(self) -> None:
        """One at a time, whatever it could take before."""
        one = endpoint(concurrency=20, seconds=0.01, pace=Pace(2.0))
        assert (one.width, one.room(0), one.well) == (1, 1, False)
        one.stock.append(Job.__new__(Job))
        assert one.room(0) == 0
