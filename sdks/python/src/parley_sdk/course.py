"""Where a listener stands, and what it does next: `Course` decides, and waits for nothing."""

import json
import random
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from pydantic import ValidationError

from parley_sdk.api_error import FrameLimitReached, ParleyError, SessionEnded, SocketClosed
from parley_sdk.backoff import Backoff
from parley_sdk.generated import models
from parley_sdk.generated.facts import CLOSE_VERDICTS, FRAMES, SOCKET_LIMITS, Event
from parley_sdk.model import UnknownEvent
from parley_sdk.session import Session
from parley_sdk.stores import CursorStore

State = Literal["connecting", "catching_up", "live", "waiting", "closed"]

# How many cursors are remembered to know a duplicate by.
REMEMBERED = 2048
# A connection that held for so many seconds was a good one: the next failure is the first again.
GOOD_AFTER = 10.0
# The server's pings count among a client's frames, too, so some are left to them.
FRAMES_PER_MINUTE = SOCKET_LIMITS["frames_per_minute"] - 10
CLOSED_WITHOUT_CODE = 1006
# When a new token could not be had, or `ready` did not come for it: seconds until the next try.
RENEW_AGAIN_AFTER = 5.0


class Course:
    """Where a listener stands, and what it does next."""

    def __init__(self, session: Session, store: CursorStore, base_url: str, backoff: Backoff) -> None:
        self._session = session
        self._store = store
        self._backoff = backoff
        self.url = base_url.replace("http", "ws", 1) + "/ws"
        self.state: State = "connecting"
        self.on_state: Callable[[State], None] = lambda state: None
        self.heartbeat = (
            float(SOCKET_LIMITS["heartbeat_seconds"]),
            float(SOCKET_LIMITS["heartbeat_timeout_seconds"]),
        )
        self._cursor = store.load()
        # What was handed over and may not be done yet: its cursor is kept when the next one is asked for.
        self._in_hand: str | None = None
        # The server knew nothing of the cursor, so what was missed will not come.
        self._is_lost = False
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._failures = 0
        self._live_since: float | None = None
        # The token that the socket knows, and one that the server refused.
        self._token: str | None = None
        self.stale: str | None = None
        self._renew_at = float("inf")
        self._said: deque[float] = deque()

    def move(self, state: State) -> None:
        """Go to another state."""
        if state != self.state:
            self.state = state
            self.on_state(state)

    # ---- what is said

    def opening(self, token: str) -> str:
        """Return the first frame of a connection."""
        self._said.clear()
        self._token, self.stale = token, None
        self.move("catching_up")
        data = {"token": token} if self._cursor is None else {"token": token, "cursor": self._cursor}
        return self._frame("auth", data)

    def frame(self, kind: str, data: Mapping[str, Any]) -> str:
        """Return a frame to send. Raises FrameLimitReached."""
        now = time.monotonic()
        while self._said and now - self._said[0] > 60:
            self._said.popleft()
        if len(self._said) >= FRAMES_PER_MINUTE:
            raise FrameLimitReached(f"{FRAMES_PER_MINUTE} frames were sent within a minute")
        return self._frame(kind, data)

    def renewal(self, token: str) -> str | None:
        """Return the frame that tells the socket a token, unless it knows that; `ready` says how it goes on."""
        self.renew_later()
        if token == self._token:
            return None
        self._token = token
        return self._frame("auth", {"token": token})

    def renew_later(self) -> None:
        """Note that there was no new token to be had: the server says when it is too late."""
        self._renew_at = time.monotonic() + RENEW_AGAIN_AFTER

    @property
    def renewal_is_due(self) -> bool:
        """Whether the token of the socket is about to expire."""
        return time.monotonic() >= self._renew_at

    def patience(self) -> float:
        """Return how long to wait for a frame before a ping, or a new token, is due."""
        return max(0.01, min(self.heartbeat[0], self._renew_at - time.monotonic()))

    def _frame(self, kind: str, data: Mapping[str, Any]) -> str:
        self._said.append(time.monotonic())
        return json.dumps({"type": kind, "data": data})

    # ---- what is heard

    def take(self, text: str | bytes) -> Event | None:
        """Return what is to be handed over of a frame, if anything."""
        frame = _object(text)
        kind, data = frame.get("type"), frame.get("data")
        if not isinstance(kind, str) or kind == "pong":
            return None
        if kind == "ready":
            return self._welcomed(data if isinstance(data, dict) else {})
        if kind == "resync":
            return self._resync(data if isinstance(data, dict) else {})
        cursor = frame.get("cursor")
        if isinstance(cursor, str):
            if cursor in self._seen:
                return None
            self._seen[cursor] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            self._in_hand = cursor
        return _event(kind, frame)

    def handled(self) -> None:
        """Keep the cursor of what was handed over last: whoever asks for more is done with it."""
        if self._in_hand is not None:
            self._cursor, self._in_hand = self._in_hand, None
            self._keep()

    def _welcomed(self, data: Mapping[str, Any]) -> Event | None:
        heartbeat = data.get("heartbeat")
        told = heartbeat if isinstance(heartbeat, dict) else {}
        self.heartbeat = (
            _seconds(told.get("interval_seconds"), self.heartbeat[0]),
            _seconds(told.get("timeout_seconds"), self.heartbeat[1]),
        )
        self._renew_at = time.monotonic() + self._renewal_in()
        cursor = data.get("cursor")
        if self._live_since is None:
            self._live_since = time.monotonic()
        self.move("live")
        if self._is_lost:
            self._is_lost = False
            return self._resync({"reason": "bad_cursor", "cursor": cursor})
        if self._cursor is None and isinstance(cursor, str):
            # Whoever began without one goes on from here, also when nothing happens until the connection breaks.
            self._cursor = cursor
            self._keep()
        return None

    def _renewal_in(self) -> float:
        tokens = self._session.tokens
        if tokens is None:
            return float("inf")
        # Somebody who shares the store has renewed it already.
        return self._session.renewal_in(tokens) if tokens.access_token == self._token else 0.0

    def _resync(self, data: Mapping[str, Any]) -> models.ResyncNotice:
        # The events that follow go on from its cursor, and nothing of before tells a duplicate.
        self._seen.clear()
        cursor, reason = data.get("cursor"), data.get("reason")
        self._in_hand = cursor if isinstance(cursor, str) else None
        told = models.Resync(reason=str(reason or "unknown"), cursor=self._in_hand or "")
        return models.ResyncNotice(type="resync", data=told)

    def _keep(self) -> None:
        if self._is_lost:
            return
        try:
            self._store.save(self._cursor)
        except OSError as error:
            raise ParleyError(f"The cursor could not be kept: {error}") from error

    # ---- how it ends

    def closed(self, code: int) -> float:
        """Return in how many seconds to come back. Raises SocketClosed, SessionEnded."""
        was_good = self._live_since is not None and time.monotonic() - self._live_since >= GOOD_AFTER
        self._failures = 1 if was_good else self._failures + 1
        self._live_since = None
        self._renew_at = float("inf")
        verdict = CLOSE_VERDICTS.get(code)
        delay = self._backoff.delay(self._failures)
        if verdict is None:
            return self._wait(delay)
        if not verdict.keep_cursor:
            # The store keeps it until the loop was told: a program that ends before would hear of no loss.
            self._is_lost = self._is_lost or self._cursor is not None
            self._cursor = self._in_hand = None
        match verdict.reconnect:
            case "never":
                raise SocketClosed(code, verdict.meaning)
            case "new_session":
                # Somebody may have logged in meanwhile: only the session of this socket has ended.
                if self._token is not None:
                    self._session.end(self._token)
                raise SessionEnded(verdict.meaning)
            case "new_token":
                self.stale = self._token
            case "later":
                delay += verdict.after_seconds * random.uniform(1, 1.25)
        return self._wait(delay)

    def refused(self, status: int, told: float | None) -> float:
        """The same for a handshake that was refused. Raises SocketClosed."""
        # What the server refuses for what it asks it would refuse again. Redirects are none of it: nobody follows them.
        if 400 <= status < 500 and status not in (408, 429):
            raise SocketClosed(CLOSED_WITHOUT_CODE, f"The handshake was refused with {status}")
        return self.away(told)

    def away(self, told: float | None = None) -> float:
        """The same where the server was not reached, or asks to wait."""
        return self.closed(CLOSED_WITHOUT_CODE) + (told or 0.0)

    def _wait(self, delay: float) -> float:
        self.move("waiting")
        return delay


def _object(text: str | bytes) -> dict[str, Any]:
    """Return a frame; what is none is left out, as a type that nobody knows."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


def _event(kind: str, frame: Mapping[str, Any]) -> Event:
    """Return a frame as its model, or as an unknown one where a later version has changed it."""
    known = FRAMES.get(kind)
    if known is not None:
        try:
            return cast(Event, known.model_validate(frame))
        except ValidationError:
            pass
    cursor, seq = frame.get("cursor"), frame.get("seq")
    rest = {
        "type": kind,
        "data": frame.get("data"),
        "cursor": cursor if isinstance(cursor, str) else None,
        "seq": seq if isinstance(seq, int) else None,
    }
    return UnknownEvent.model_validate(rest)


def _seconds(told: object, otherwise: float) -> float:
    return float(told) if isinstance(told, int | float) and told > 0 else otherwise
