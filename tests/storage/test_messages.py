"""Messages on a real database: who may send what where, their status, filters, edits and deletions."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from chat import Chat, Person, running
from parley.errors import Conflict, Forbidden, Gone, IdempotencyMismatch, Invalid, NotFound
from parley.model import Message, Receipt
from parley.services.messages import NewMessage, period
from parley.storage import conversations

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


async def contents(person: Person, where: Any = None, **options: Any) -> list[str | None]:
    return [message.content for message in (await person.history(where, **options)).items]


async def dated(chat: Chat, message: Message, when: datetime) -> None:
    """Let a message and all after it be of a later time than those before."""
    await chat.execute("UPDATE messages SET created_at = $2 WHERE message_id = $1", message.id, when)


class TestSending:
    async def test_to_a_person(self, people: list[Person]) -> None:
        """A message to somebody makes their conversation, and both find it there."""
        ada, bob, eve = people
        sent = await ada.say(bob, "Hello, Bob!", metadata={"custom": {"mood": "fine"}})
        assert (sent.sender_id, sent.receiver_id, sent.seq, sent.status) == (ada.id, bob.id, 1, "sent")
        answer = await bob.say(ada, "Hello, Ada!")
        assert (answer.conversation_id, answer.receiver_id, answer.seq) == (sent.conversation_id, ada.id, 2)
        assert await contents(ada, sent.conversation_id) == ["Hello, Ada!", "Hello, Bob!"]
        seen = await bob.see(sent)
        assert orjson.loads(orjson.dumps(seen.metadata)) == {"custom": {"mood": "fine"}}
        with pytest.raises(NotFound):
            await eve.see(sent)

    async def test_to_a_group(self, people: list[Person]) -> None:
        """A group is a receiver too, and is that of everybody's messages in it."""
        ada, bob, eve = people
        group = await ada.found(bob)
        sent = await bob.say(group, "Hello, all!")
        assert (sent.conversation_id, sent.receiver_id) == (group.id, group.id)
        assert (await ada.see(sent)).receiver_id == group.id
        with pytest.raises(NotFound):
            await eve.say(group)

    async def test_into_a_conversation(self, people: list[Person]) -> None:
        """A conversation's id serves as well, for those who are in it."""
        ada, bob, eve = people
        conversation = await ada.direct(bob)
        sent = await bob.say(conversation)
        assert (sent.conversation_id, sent.receiver_id) == (conversation.id, ada.id)
        with pytest.raises(NotFound):
            await eve.say(conversation)

    async def test_to_nobody(self, people: list[Person]) -> None:
        """One cannot write to oneself, and not to what does not exist."""
        ada, *_ = people
        with pytest.raises(Invalid) as refused:
            await ada.say(ada)
        assert refused.value.details["field"] == "receiver_id"
        nobody = NewMessage("Hello?", receiver_id=uuid4())
        with pytest.raises(NotFound) as missing:
            await ada.chat.messages.send(ada.caller, nobody)
        assert missing.value.details["resource"] == "receiver"
        with pytest.raises(NotFound):
            await ada.chat.messages.send(ada.caller, NewMessage("Hello?", conversation_id=uuid4()))

    async def test_time_and_place_grow_together(self, people: list[Person]) -> None:
        """Seqs are gapless in each conversation; positions and times grow over all of them."""
        ada, bob, eve = people
        sent = [await ada.say(to) for to in (bob, eve, bob, bob, eve)]
        assert [message.seq for message in sent] == [1, 1, 2, 3, 2]
        assert [m.position for m in sent] == sorted(m.position for m in sent)
        assert [m.created_at for m in sent] == sorted(m.created_at for m in sent)

    async def test_replies_stay_in_the_conversation(self, people: list[Person]) -> None:
        """`reply_to` names a message of the same conversation, a tombstone too, but none that was purged."""
        ada, bob, eve = people
        first, elsewhere = await ada.say(bob), await ada.say(eve)
        reply = await bob.say(ada, metadata={"reply_to": first.id})
        assert str(first.id) in orjson.dumps((await ada.see(reply)).metadata).decode()
        for wrong in (elsewhere.id, uuid4()):
            with pytest.raises(Invalid) as refused:
                await bob.say(ada, metadata={"reply_to": wrong})
            assert refused.value.details["field"] == "metadata.reply_to"
        await ada.delete(first)
        await bob.say(ada, metadata={"reply_to": first.id})

    async def test_mentions_are_members(self, people: list[Person]) -> None:
        """Only who is in the conversation can be mentioned."""
        ada, bob, eve = people
        await ada.say(bob, metadata={"mentions": [bob.id, ada.id]})
        with pytest.raises(Invalid) as refused:
            await ada.say(bob, metadata={"mentions": [bob.id, eve.id]})
        assert refused.value.details["field"] == "metadata.mentions"

    async def test_custom_metadata_has_a_limit(self, people: list[Person]) -> None:
        """A client's own object may have 4 KB as JSON, and no byte more."""
        ada, bob, _ = people
        room = 4096 - len(b'{"note":""}')
        await ada.say(bob, metadata={"custom": {"note": "x" * room}})
        with pytest.raises(Invalid) as refused:
            await ada.say(bob, metadata={"custom": {"note": "é" * (room // 2 + 1)}})
        assert refused.value.details["field"] == "metadata.custom"

    async def test_one_refusal_harms_nobody_else(self, people: list[Person]) -> None:
        """Of messages that are sent together each has its own fate."""
        ada, bob, eve = people
        conversation = await ada.direct(bob)
        sends = [
            eve.say(conversation),
            ada.say(conversation, "fine"),
            bob.say(ada, metadata={"reply_to": uuid4()}),
        ]
        refused, sent, bad = await asyncio.gather(*sends, return_exceptions=True)
        assert isinstance(refused, NotFound)
        assert isinstance(bad, Invalid)
        assert isinstance(sent, Message)
        assert await contents(bob, conversation) == ["fine"]


class TestKeys:
    async def test_repeat_is_told_the_same(self, people: list[Person]) -> None:
        """The same key and body send once, and the answer is read afresh."""
        ada, bob, _ = people
        first, replayed = await ada.send(bob, "once", key="k")
        assert not replayed
        await bob.read(first)
        again, replayed = await ada.send(bob, "once", key="k")
        assert (again.id, again.status, replayed) == (first.id, "read", True)
        assert await contents(ada) == ["once"]

    async def test_keys_belong_to_one_person(self, people: list[Person]) -> None:
        """Another person's same key is another key."""
        ada, bob, _ = people
        await ada.send(bob, "hello", key="k")
        _, replayed = await bob.send(ada, "hello", key="k")
        assert not replayed

    async def test_other_body_is_refused(self, people: list[Person]) -> None:
        """A key that was used for another message is refused, and nothing is sent."""
        ada, bob, eve = people
        await ada.send(bob, "once", key="k")
        for to, content in ((bob, "twice"), (eve, "once")):
            with pytest.raises(IdempotencyMismatch):
                await ada.send(to, content, key="k")
        assert await contents(ada) == ["once"]

    async def test_refusals_are_not_stored(self, people: list[Person]) -> None:
        """A key whose message was refused is free."""
        ada, bob, _ = people
        group = await bob.found()
        with pytest.raises(NotFound):
            await ada.send(group, "let me in", key="k")
        await bob.add(group, ada)
        _, replayed = await ada.send(group, "let me in", key="k")
        assert not replayed

    async def test_two_at_once_send_one(self, people: list[Person]) -> None:
        """While the first still runs the second is told to come back, or replays."""
        ada, bob, _ = people
        conversation = await ada.direct(bob)
        both = await asyncio.gather(
            *(ada.send(conversation, "once", key="k") for _ in range(2)), return_exceptions=True
        )
        assert sum(isinstance(one, Conflict) and one.details["retry_after"] == 1 for one in both) == 1
        assert await contents(bob) == ["once"]

    async def test_two_processes_send_one(self, database_dsn: str, people: list[Person]) -> None:
        """In another process the second waits and then replays."""
        ada, bob, _ = people
        conversation = await ada.direct(bob)
        async with running(database_dsn) as other:
            both = await asyncio.gather(
                ada.send(conversation, "once", key="k"),
                Person(other, ada.id).send(conversation, "once", key="k"),
            )
        assert sorted(replayed for _, replayed in both) == [False, True]
        assert both[0][0].id == both[1][0].id

    async def test_keys_are_kept_for_a_day(self, chat: Chat, people: list[Person]) -> None:
        """After 24 hours a key is free again, whether or not it has been tidied away yet."""
        ada, bob, _ = people
        await ada.send(bob, "once", key="k")
        age = "UPDATE idempotency_keys SET created_at = created_at - $1::interval"
        await chat.execute(age, timedelta(hours=23, minutes=59))
        assert (await ada.send(bob, "once", key="k"))[1]
        await chat.execute(age, timedelta(minutes=1))
        assert not (await ada.send(bob, "something else", key="k"))[1]
        assert await contents(bob) == ["something else", "once"]

    async def test_repeat_after_leaving(self, people: list[Person]) -> None:
        """Whoever was removed since gets nothing read afresh, and sends nothing."""
        ada, bob, _ = people
        group = await ada.found(bob)
        await bob.send(group, "once", key="k")
        await ada.remove(group, bob)
        with pytest.raises((Gone, NotFound)):
            await bob.send(group, "once", key="k")
        assert await contents(ada, group) == ["once"]

    async def test_repeat_of_a_deleted_message(self, people: list[Person]) -> None:
        """The repeat of what was deleted since is answered with the tombstone, and sends nothing."""
        ada, bob, _ = people
        first, _ = await ada.send(bob, "once", key="k")
        await ada.delete(first)
        again, replayed = await ada.send(bob, "once", key="k")
        assert (replayed, again.id, again.content) == (True, first.id, None)
        assert await contents(bob) == [None]


class TestStatus:
    async def test_direct(self, people: list[Person]) -> None:
        """Sent, then delivered, then read, as the other person says."""
        ada, bob, _ = people
        message = await ada.say(bob)
        assert await ada.status(message) == "sent"
        await bob.receive(message)
        assert await ada.status(message) == await bob.status(message) == "delivered"
        await bob.read(message)
        assert await ada.status(message) == "read"

    async def test_reading_is_receiving(self, people: list[Person]) -> None:
        """What is read was received, and what came before it too."""
        ada, bob, _ = people
        first, second, third = [await ada.say(bob) for _ in range(3)]
        receipt = await bob.read(second)
        assert (receipt.delivered_seq, receipt.read_seq) == (2, 2)
        assert [await ada.status(m) for m in (first, second, third)] == ["read", "read", "sent"]

    async def test_answering_is_reading(self, people: list[Person]) -> None:
        """Sending moves one's own marks: whoever answers has read what came before."""
        ada, bob, _ = people
        first = await ada.say(bob)
        answer = await bob.say(ada)
        later = await ada.say(bob)
        assert [await ada.status(m) for m in (first, later)] == ["read", "sent"]
        # Ada's second message says that she has read Bob's.
        assert await bob.status(answer) == "read"

    async def test_slowest_decides_in_a_group(self, people: list[Person]) -> None:
        """In a group the status is that of the slowest of the others; the sender does not count."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        message = await ada.say(group)
        await bob.read(message)
        assert await ada.status(message) == "sent"
        await eve.receive(message)
        assert await ada.status(message) == "delivered"
        await eve.read(message)
        assert await ada.status(message) == "read"

    async def test_lowest_mark_may_be_the_senders(self, people: list[Person]) -> None:
        """The sender's own mark, though the lowest, holds back no message of theirs but those of others."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        hers = await ada.say(group)
        his = await bob.say(group)
        await eve.read(his)
        assert await ada.status(hers) == "read"
        assert await bob.status(his) == "sent"
        await ada.receive(his)
        assert await bob.status(his) == "delivered"

    async def test_alone(self, people: list[Person]) -> None:
        """Alone in a conversation everything one sent is sent, also what others had read."""
        ada, bob, _ = people
        group = await ada.found()
        message = await ada.say(group)
        assert await ada.status(message) == "sent"
        await ada.add(group, bob)
        assert await ada.status(message) == "read"
        await bob.leave(group)
        assert await ada.status(message) == "sent"

    async def test_joining_sets_the_marks_to_the_end(self, people: list[Person]) -> None:
        """Whoever joins owes nothing for what was said before."""
        ada, bob, eve = people
        group = await ada.found(bob)
        before = await ada.say(group)
        await bob.read(before)
        await eve.join(group)
        after = await ada.say(group)
        assert [await ada.status(m) for m in (before, after)] == ["read", "sent"]
        assert (await eve.conversation(group.id)).unread_count == 1

    async def test_leaving_takes_the_mark_away(self, people: list[Person]) -> None:
        """Who left holds nothing back any more, and whose message it was does not matter."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        hers, his = await ada.say(group), await eve.say(group)
        await bob.read(his)
        assert await ada.status(hers) == "read"
        assert await bob.status(his) == "sent"
        await ada.remove(group, eve)
        await ada.read(his)
        assert await bob.status(his) == "read"

    async def test_purged_messages_hold_nothing_back(self, chat: Chat, people: list[Person]) -> None:
        """What was purged nobody has to read any more, and what is left keeps its status."""
        ada, bob, _ = people
        group = await ada.found(bob, days=1)
        old = [await ada.say(group) for _ in range(3)]
        await bob.read(old[0])
        await chat.execute("UPDATE messages SET created_at = created_at - interval '2 days'")
        new = await ada.say(group)
        await chat.retain()
        assert await ada.status(new) == "sent"
        conversation = await bob.conversation(group.id)
        assert (conversation.read_seq, conversation.unread_count) == (3, 1)
        await bob.receive(new)
        assert await ada.status(new) == "delivered"


class TestMarks:
    async def test_never_move_back(self, people: list[Person]) -> None:
        """An older mark changes nothing and says how they stand."""
        ada, bob, _ = people
        first, second = await ada.say(bob), await ada.say(bob)
        await bob.read(second)
        for again in (await bob.read(first), await bob.receive(first), await bob.receive(second)):
            assert (again.delivered_seq, again.read_seq) == (2, 2)

    async def test_end_at_the_end(self, chat: Chat, people: list[Person]) -> None:
        """However far a mark is said to be, it never lies past the last message."""
        ada, bob, _ = people
        message = await ada.say(bob)
        beyond = Receipt(message.conversation_id, bob.id, 2**53, 2**53)
        row = await chat.log.call(lambda conn, hint: conversations.move_watermarks(conn, hint, beyond, 100))
        assert (row["delivered_seq"], row["read_seq"]) == (1, 1)
        later = await ada.say(bob)
        assert await ada.status(later) == "sent"

    async def test_need_a_message_of_the_conversation(self, people: list[Person]) -> None:
        """A message of another conversation, an unknown one and an outsider are not found."""
        ada, bob, eve = people
        message, other = await ada.say(bob), await ada.say(eve)
        for person, conversation_id, message_id in [
            (bob, message.conversation_id, other.id),
            (ada, message.conversation_id, other.id),
            (bob, message.conversation_id, uuid4()),
            (eve, message.conversation_id, message.id),
        ]:
            with pytest.raises(NotFound):
                await person.chat.conversations.mark(person.caller, conversation_id, message_id, read=True)

    async def test_may_name_a_purged_message(self, chat: Chat, people: list[Person]) -> None:
        """Whoever has read what was purged meanwhile is right to say so."""
        ada, bob, _ = people
        group = await ada.found(bob, days=1)
        message = await ada.say(group)
        await chat.retain(after=2 * DAY)
        receipt = await bob.read(message)
        assert (receipt.delivered_seq, receipt.read_seq) == (1, 1)

    async def test_unread_counts(self, people: list[Person]) -> None:
        """Unread is what came after one's own mark, and one's own messages are read."""
        ada, bob, _ = people
        messages = [await ada.say(bob) for _ in range(4)]
        where = messages[0].conversation_id

        async def unread(person: Person) -> int:
            return (await person.conversation(where)).unread_count

        assert (await unread(ada), await unread(bob)) == (0, 4)
        await bob.receive(messages[3])
        assert await unread(bob) == 4
        await bob.read(messages[1])
        assert await unread(bob) == 2
        await bob.say(ada)
        assert (await unread(ada), await unread(bob)) == (1, 0)


class TestEditing:
    async def test_sender_edits(self, people: list[Person]) -> None:
        """The sender changes the content; place, time and metadata stay."""
        ada, bob, _ = people
        message = await ada.say(bob, "helo", metadata={"custom": {"a": 1}})
        edited = await ada.edit(message, "hello")
        assert (edited.content, edited.seq, edited.created_at) == ("hello", 1, message.created_at)
        assert edited.edited_at is not None
        assert edited.edited_at > message.created_at
        assert orjson.dumps(edited.metadata) == b'{"custom":{"a":1}}'
        assert await contents(bob) == ["hello"]

    async def test_nobody_else_edits(self, people: list[Person]) -> None:
        """Not the other person, not the group's owner; to outsiders it does not exist."""
        ada, bob, eve = people
        group = await ada.found(bob)
        message = await bob.say(group)
        with pytest.raises(Forbidden):
            await ada.edit(message, "no")
        with pytest.raises(NotFound):
            await eve.edit(message, "no")

    async def test_deleting_leaves_a_tombstone(self, people: list[Person]) -> None:
        """A deleted message keeps its place in lists, without content, and is gone alone and for edits."""
        ada, bob, _ = people
        kept, deleted = await ada.say(bob, "kept"), await ada.say(bob, "deleted", metadata={"custom": {}})
        await ada.delete(deleted)
        tombstone, other = (await bob.history(kept.conversation_id)).items
        assert (tombstone.id, tombstone.seq, tombstone.content, tombstone.metadata) == (
            deleted.id,
            2,
            None,
            None,
        )
        assert tombstone.deleted_at is not None
        assert (other.content, other.deleted_at) == ("kept", None)
        last = (await bob.conversation(kept.conversation_id)).last_message
        assert last is not None
        assert (last.id, last.content) == (deleted.id, None)
        for refused in (bob.see(deleted), ada.see(deleted), ada.edit(deleted, "back"), ada.delete(deleted)):
            with pytest.raises(Gone):
                await refused

    @pytest.mark.parametrize(("role", "allowed"), [("owner", True), ("admin", True), ("member", False)])
    async def test_who_deletes_in_a_group(self, people: list[Person], role: str, allowed: bool) -> None:
        """Owners and admins delete what others sent; members only their own."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        message = await eve.say(group)
        if role == "admin":
            await ada.promote(group, bob, "admin")
        who = ada if role == "owner" else bob
        if allowed:
            await who.delete(message)
            assert await contents(eve, group) == [None]
        else:
            with pytest.raises(Forbidden):
                await who.delete(message)

    async def test_nobody_deletes_the_others_in_a_direct_conversation(self, people: list[Person]) -> None:
        """Between two people each deletes their own; to outsiders there is nothing."""
        ada, bob, eve = people
        message = await ada.say(bob)
        with pytest.raises(Forbidden):
            await bob.delete(message)
        with pytest.raises(NotFound):
            await eve.delete(message)


class TestFilters:
    async def test_by_sender_and_type(self, people: list[Person]) -> None:
        """By who sent it and what it is, also together."""
        ada, bob, _ = people
        image = {"attachments": [{"url": "https://example.com/a.png"}]}
        await ada.say(bob, "a text")
        await ada.say(bob, "an image", type="image", metadata=image)
        last = await bob.say(ada, "his image", type="image", metadata=image)
        where = last.conversation_id
        assert await contents(ada, where, type="image") == ["his image", "an image"]
        assert await contents(ada, where, type="text") == ["a text"]
        assert await contents(ada, where, type="video") == []
        assert await contents(ada, where, sender_id=ada.id) == ["an image", "a text"]
        assert await contents(ada, sender_id=ada.id, type="image") == ["an image"]

    async def test_by_status(self, people: list[Person]) -> None:
        """The filter shows exactly the messages that show this status, whoever sent them."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        sent = [await who.say(group) for who in (ada, bob, eve, ada, bob, eve, ada, ada, ada)]
        await bob.read(sent[6])
        await eve.receive(sent[7])
        await bob.receive(sent[7])
        shown = (await ada.history(group)).items
        assert {message.status for message in shown} == {"sent", "delivered", "read"}
        for status in ("sent", "delivered", "read"):
            expected = [message.id for message in shown if message.status == status]
            for where in (group, None):
                page = await ada.history(where, status=status)
                assert [message.id for message in page.items] == expected
                assert (page.total, page.total_exact) == (len(expected), True)

    @pytest.mark.parametrize("status", ["sent", "delivered", "read"])
    async def test_status_when_alone(self, people: list[Person], status: str) -> None:
        """Alone one finds everything as sent, but what others left behind as read."""
        ada, bob, _ = people
        group = await ada.found(bob)
        await ada.say(group, "hers")
        await bob.say(group, "his")
        await ada.read((await ada.history(group)).items[0])
        await bob.leave(group)
        expected = {"sent": ["hers"], "delivered": [], "read": ["his"]}
        assert await contents(ada, group, status=status) == expected[status]

    async def test_by_time(self, chat: Chat, people: list[Person]) -> None:
        """From a moment on, up to and with another, both, or days in UTC."""
        ada, bob, _ = people
        first = datetime(2026, 3, 1, tzinfo=UTC)
        where = (await ada.direct(bob)).id
        for number in range(10):
            await dated(chat, await ada.say(bob, str(number)), first + number * DAY / 2)

        async def between(start: date | None, end: date | None) -> str:
            since, until = period(start, end)
            lists = [await contents(bob, only, since=since, until=until) for only in (where, None)]
            assert lists[0] == lists[1]
            return "".join(filter(None, lists[0]))

        assert await between(None, None) == "9876543210"
        assert await between(date(2026, 3, 3), None) == "987654"
        assert await between(None, date(2026, 3, 2)) == "3210"
        assert await between(date(2026, 3, 2), date(2026, 3, 2)) == "32"
        assert await between(first + DAY, first + 2 * DAY) == "432"
        assert await between(first + DAY + timedelta(microseconds=1), None) == "9876543"
        assert await between(date(2027, 1, 1), None) == ""
        assert await between(None, date(2026, 2, 28)) == ""
        assert await between(date(2026, 3, 3), date(2026, 3, 1)) == ""
        assert await between(date.min, date.max) == "9876543210"

    async def test_by_time_over_many_conversations(self, chat: Chat, people: list[Person]) -> None:
        """Where times lie between is found alike in long and short, old and new conversations."""
        ada, *_ = people
        start = datetime(2026, 3, 1, tzinfo=UTC)
        others = await chat.people(6)
        for number in range(60):
            message = await ada.say(others[min(number * number % 11, 5)], str(number))
            await dated(chat, message, start + number // 3 * DAY)
        for day in range(-1, 22):
            since, until = start + day * DAY, start + (day + 2) * DAY
            expected = [str(number) for number in range(59, -1, -1) if day <= number // 3 < day + 2]
            assert await contents(ada, since=since, until=until) == expected
            page = await ada.history(since=since, until=until, limit=1)
            assert page.total == len(expected)

    async def test_all_together(self, chat: Chat, people: list[Person]) -> None:
        """Filters narrow one another, as in the seed's own example."""
        ada, bob, eve = people
        old = await ada.say(bob, "old")
        await dated(chat, old, datetime(2026, 3, 1, tzinfo=UTC))
        wanted = await ada.say(bob, "wanted")
        await ada.say(bob, "an image", type="image")
        await bob.receive(wanted)
        await ada.say(eve, "not delivered")
        since = datetime(2026, 3, 2, tzinfo=UTC)
        page = await ada.history(status="delivered", type="text", since=since, until=since + 10_000 * DAY)
        assert [message.content for message in page.items] == ["wanted"]
        assert (page.total, page.total_exact, page.has_more, page.next_cursor) == (1, True, False, None)

    async def test_a_conversation_that_is_not_theirs(self, people: list[Person]) -> None:
        """Somebody else's conversation is not found, not empty; a public group's neither."""
        ada, bob, eve = people
        conversation = await ada.direct(bob)
        group = await ada.found()
        for where in (conversation.id, group.id, uuid4()):
            for kind in (None, "text"):
                with pytest.raises(NotFound):
                    await eve.history(where, type=kind)
        assert (await bob.history(conversation)).items == []

    async def test_totals_stop_counting(self, chat: Chat, people: list[Person]) -> None:
        """A filtered total is counted up to 10,000 and then says so; that of a whole history is always exact."""
        ada, bob, _ = people
        message = await ada.say(bob)
        await copy_message(chat, message.id, 10_000)
        page = await ada.history(message.conversation_id, type="text", limit=10)
        assert (page.total, page.total_exact) == (10_000, False)
        page = await ada.history(message.conversation_id, limit=10)
        assert (page.total, page.total_exact) == (10_001, True)
        page = await ada.history(limit=10)
        assert (page.total, page.total_exact) == (10_001, True)
        await chat.execute("DELETE FROM messages WHERE seq > 10000")
        page = await ada.history(message.conversation_id, type="text", limit=10)
        assert (page.total, page.total_exact) == (10_000, True)


async def copy_message(chat: Chat, message_id: UUID, times: int) -> None:
    """Let the same be said again and again, by SQL because that is quick."""
    await chat.execute(
        """
        INSERT INTO messages (conversation_id, position, seq, message_id, sender_id, type, content, created_at)
        SELECT conversation_id, position + n, seq + n, gen_random_uuid(), sender_id, type, content, created_at
        FROM messages, generate_series(1, $2::integer) AS n
        WHERE message_id = $1
        """,
        message_id,
        times,
    )
