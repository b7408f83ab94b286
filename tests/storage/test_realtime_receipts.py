"""Receipts from a socket to the log of a real database, also through an outage."""

from typing import Any

import pytest

from chat import Chat
from live import Live
from parley.errors import Unavailable
from parley.realtime.receipts import Receipts
from parley.services.receipts import Receipts as ReceiptsService

pytestmark = pytest.mark.anyio


@pytest.fixture
def collected(chat: Chat) -> Receipts:
    return Receipts(ReceiptsService(chat.database, chat.log))


async def test_from_a_frame_to_the_log(chat: Chat, collected: Receipts) -> None:
    """What a client says is stored, what it cannot say is refused, and a heartbeat counts as delivered."""
    ada, bob, eve = await chat.people(3)
    mine, theirs = await ada.say(bob), await ada.say(eve)
    socket = Live(bob.id)
    for message in (mine, theirs):
        collected.mark(
            socket,
            {
                "conversation_id": str(message.conversation_id),
                "message_id": str(message.id),
                "kind": "read",
            },
        )
    collected.received(Live(eve.id), theirs.position)
    await collected.flush()
    assert [frame["data"]["code"] for frame in socket.heard()] == ["not_found"]
    assert (await ada.status(mine), await ada.status(theirs)) == ("read", "delivered")


async def test_through_an_outage(chat: Chat, collected: Receipts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody knows whether a commit happened, it is done again."""
    ada, bob = await chat.people(2)
    message = await ada.say(bob)
    collected.received(Live(bob.id), message.position)
    call = chat.log.call

    async def cut_after(run: Any) -> Any:
        await call(run)
        raise Unavailable

    with monkeypatch.context() as cut:
        cut.setattr(chat.log, "call", cut_after)
        with pytest.raises(Unavailable):
            await collected.flush()
    before = await chat.head()
    await collected.flush()
    assert await chat.head() == before
    assert await ada.status(message) == "delivered"
