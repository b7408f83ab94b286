"""Groups on a real database: who may do what, who is in them, and who sees them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from chat import Chat, Person, running
from parley.errors import Conflict, Forbidden, IdempotencyMismatch, Invalid, NotFound, ParleyError
from parley.model import Group, GroupSettings
from parley.storage.groups import COUNT_LIMIT

pytestmark = pytest.mark.anyio

SMALL = 5


async def roles(person: Person, group: Group) -> dict[Any, str]:
    return {member.user_id: member.role for member in (await person.look_at(group)).members}


class TestMaking:
    async def test_creator_owns_it(self, people: list[Person]) -> None:
        """The creator is a member with role owner; whoever is named is in, once, and nobody else."""
        ada, bob, eve = people
        group = await ada.found(bob, bob, ada, name="Chess club", description="On Fridays", days=30)
        assert (group.name, group.description, group.owner_id) == ("Chess club", "On Fridays", ada.id)
        assert group.settings == GroupSettings(False, True, 30)
        assert group.member_count == 2
        assert await roles(bob, group) == {ada.id: "owner", bob.id: "member"}
        assert eve.id not in await roles(bob, group)

    async def test_unknown_members_are_named(self, people: list[Person]) -> None:
        """Every member that does not exist is listed with its place, and nothing is made."""
        ada, bob, _ = people
        with pytest.raises(Invalid) as refused:
            await ada.chat.groups.create(
                ada.caller, "Club", None, [uuid4(), bob.id, uuid4()], GroupSettings(False, True, None)
            )
        assert [error["field"] for error in refused.value.details["errors"]] == ["members[0]", "members[2]"]
        assert (await ada.conversations()).items == []
        assert await bob.news() == []

    async def test_with_a_key(self, people: list[Person]) -> None:
        """A repeat makes no second group and is read afresh."""
        ada, bob, _ = people
        asked = ("Club", None, [bob.id], GroupSettings(False, True, None))
        group, replayed = await ada.chat.groups.create(ada.caller, *asked, "k")
        assert not replayed
        await ada.change(group, name="Other club")
        again, replayed = await ada.chat.groups.create(ada.caller, *asked, "k")
        assert (again.id, again.name, replayed) == (group.id, "Other club", True)
        with pytest.raises(IdempotencyMismatch):
            await ada.chat.groups.create(ada.caller, "Third club", *asked[1:], "k")

    async def test_two_processes_make_one(self, database_dsn: str, people: list[Person]) -> None:
        """Of the same request in two processes the second waits, and then is told of the first one's group."""
        ada, *_ = people
        settings = GroupSettings(False, True, None)
        async with running(database_dsn) as other:
            (one, first), (two, second) = await asyncio.gather(
                *(
                    chat.groups.create(ada.caller, "Club", None, [], settings, "k")
                    for chat in (ada.chat, other)
                )
            )
        assert one.id == two.id
        assert sorted((first, second)) == [False, True]

    async def test_shows_its_first_hundred(self, chat: Chat, people: list[Person]) -> None:
        """A group shows the first hundred members by the time they joined, and counts all."""
        ada, bob, _ = people
        group = await ada.found(*await chat.people(99))
        await ada.add(group, bob)
        seen = await bob.look_at(group)
        assert (seen.member_count, len(seen.members)) == (101, 100)
        assert bob.id not in {member.user_id for member in seen.members}


Act = Callable[[Person, Group, Person, Person], Awaitable[object]]
# What each may do, as the table in `parley/services/groups.py` says. `other` is a member, `stranger` is not.
ACTS: dict[str, Act] = {
    "read it": lambda who, group, other, stranger: who.look_at(group),
    "list members": lambda who, group, other, stranger: who.chat.groups.list_members(
        who.caller, group.id, limit=10
    ),
    "see a member": lambda who, group, other, stranger: who.chat.groups.get_member(
        who.caller, group.id, other.id
    ),
    "change it": lambda who, group, other, stranger: who.change(group, name="Changed"),
    "add": lambda who, group, other, stranger: who.add(group, stranger),
    "change roles": lambda who, group, other, stranger: who.promote(group, other, "admin"),
    "remove a member": lambda who, group, other, stranger: who.remove(group, other),
    "leave": lambda who, group, other, stranger: who.leave(group),
    "delete it": lambda who, group, other, stranger: who.dissolve(group),
}
YES = None
TABLE: dict[str, tuple[type[ParleyError] | None, ...]] = {
    # what                 owner      admin      member     outsider   outsider of a private group
    "read it":            (YES,       YES,       YES,       YES,       NotFound),
    "list members":       (YES,       YES,       YES,       YES,       NotFound),
    "see a member":       (YES,       YES,       YES,       YES,       NotFound),
    "change it":          (YES,       YES,       Forbidden, Forbidden, NotFound),
    "add":                (YES,       YES,       Forbidden, Forbidden, NotFound),
    "change roles":       (YES,       Forbidden, Forbidden, Forbidden, NotFound),
    "remove a member":    (YES,       YES,       Forbidden, Forbidden, NotFound),
    "leave":              (Conflict,  YES,       YES,       NotFound,  NotFound),
    "delete it":          (YES,       Forbidden, Forbidden, Forbidden, NotFound),
}  # fmt: skip
WHO = ("owner", "admin", "member", "outsider", "outsider of a private group")


class TestRoles:
    @pytest.mark.parametrize("act", ACTS)
    async def test_table(self, chat: Chat, act: str) -> None:
        """Each may do exactly what the table says, and a refusal changes nothing."""
        for who, refusal in zip(WHO, TABLE[act], strict=True):
            owner, admin, member, outsider, other, stranger = await chat.people(6)
            private = who == "outsider of a private group"
            group = await owner.found(admin, member, other, is_private=private, allow_invites=False)
            await owner.promote(group, admin, "admin")
            actor = dict(zip(WHO, (owner, admin, member, outsider, outsider), strict=True))[who]
            before = await owner.look_at(group)
            if refusal is None:
                await ACTS[act](actor, group, other, stranger)
            else:
                with pytest.raises(refusal):
                    await ACTS[act](actor, group, other, stranger)
                assert await owner.look_at(group) == before

    async def test_admins_remove_members_only(self, chat: Chat, people: list[Person]) -> None:
        """Neither another admin nor the owner."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        for admin in (bob, eve):
            await ada.promote(group, admin, "admin")
        for target in (ada, eve):
            with pytest.raises(Forbidden):
                await bob.remove(group, target)
        await ada.remove(group, eve)
        assert set(await roles(ada, group)) == {ada.id, bob.id}

    async def test_members_invite_where_allowed(self, chat: Chat, people: list[Person]) -> None:
        """`allow_invites` lets members add others, also into a private group; never outsiders."""
        ada, bob, eve = people
        group = await ada.found(bob, is_private=True)
        added = await bob.add(group, eve)
        assert (added.user_id, added.role) == (eve.id, "member")
        await ada.change(group, allow_invites=False)
        with pytest.raises(Forbidden):
            await bob.add(group, await chat.person())

    async def test_hand_over(self, people: list[Person]) -> None:
        """There is exactly one owner: who makes another the owner becomes an admin, and may leave then."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        with pytest.raises(Conflict):
            await ada.leave(group)
        with pytest.raises(Conflict):
            await ada.promote(group, ada, "member")
        await ada.promote(group, bob, "owner")
        assert await roles(eve, group) == {ada.id: "admin", bob.id: "owner", eve.id: "member"}
        assert (await eve.look_at(group)).owner_id == bob.id
        with pytest.raises(Forbidden):
            await ada.promote(group, ada, "owner")
        await ada.leave(group)
        assert set(await roles(eve, group)) == {bob.id, eve.id}

    async def test_one_owner_whatever_happens(self, database_dsn: str, people: list[Person]) -> None:
        """Hand-overs, removals and departures at the same time leave exactly one owner."""
        ada, bob, eve = people
        async with running(database_dsn) as other:
            for _ in range(5):
                group = await ada.found(bob, eve)
                attempts = [
                    ada.promote(group, bob, "owner"),
                    Person(other, ada.id).promote(group, eve, "owner"),
                    bob.leave(group),
                    Person(other, ada.id).leave(group),
                    eve.promote(group, ada, "owner"),
                ]
                results = await asyncio.gather(*attempts, return_exceptions=True)
                assert not [r for r in results if isinstance(r, Exception) and not isinstance(r, ParleyError)]
                owners = await ada.chat.fetchval(
                    "SELECT count(*) FROM members WHERE conversation_id = $1 AND role = 'owner'", group.id
                )
                assert owners == 1

    async def test_same_role_is_no_change(self, people: list[Person]) -> None:
        """Giving somebody the role they have is answered and not told to anybody."""
        ada, bob, _ = people
        group = await ada.found(bob)
        assert (await ada.promote(group, bob, "member")).role == "member"
        assert (await ada.promote(group, ada, "owner")).role == "owner"
        assert [kind for kind, _ in await bob.news()] == ["conversation.created"]

    async def test_roles_of_strangers(self, people: list[Person]) -> None:
        """Who is not in the group has no role to change and is not there to be removed."""
        ada, bob, eve = people
        group = await ada.found(bob)
        with pytest.raises(NotFound):
            await ada.promote(group, eve, "admin")
        with pytest.raises(NotFound):
            await ada.remove(group, eve)


class TestMembership:
    async def test_join_a_public_group(self, people: list[Person]) -> None:
        """Whoever joins is a member and reads the whole history that is kept; joining twice changes nothing."""
        ada, bob, _ = people
        group = await ada.found()
        before = await ada.say(group, "before")
        member, is_new, replayed = await bob.chat.groups.join(bob.caller, group.id)
        assert (member.user_id, member.role, is_new, replayed) == (bob.id, "member", True, False)
        assert (await bob.see(before)).content == "before"
        assert [message.content for message in (await bob.history(group)).items] == ["before"]
        again, is_new, replayed = await bob.chat.groups.join(bob.caller, group.id)
        assert (again, is_new, replayed) == (member, False, False)

    async def test_join_with_a_key(self, people: list[Person]) -> None:
        """A repeat tells again that one is new; after leaving it lets nobody in."""
        ada, bob, _ = people
        group = await ada.found()
        first = await bob.chat.groups.join(bob.caller, group.id, "k")
        assert await bob.chat.groups.join(bob.caller, group.id, "k") == (first[0], True, True)
        await bob.leave(group)
        with pytest.raises(NotFound):
            await bob.chat.groups.join(bob.caller, group.id, "k")
        assert set(await roles(ada, group)) == {ada.id}

    async def test_private_groups_are_not_joined(self, people: list[Person]) -> None:
        """To outsiders a private group does not exist, by any door."""
        ada, bob, _ = people
        group = await ada.found(is_private=True)
        doors = [bob.join(group), bob.look_at(group), bob.leave(group), bob.say(group), bob.history(group)]
        for door in doors:
            with pytest.raises(NotFound):
                await door

    async def test_add_twice(self, people: list[Person]) -> None:
        """A member is in already, nobody is nobody, and a key makes a repeat harmless."""
        ada, bob, _ = people
        group = await ada.found()
        member, replayed = await ada.chat.groups.add_member(ada.caller, group.id, bob.id, "k")
        assert not replayed
        assert await ada.chat.groups.add_member(ada.caller, group.id, bob.id, "k") == (member, True)
        with pytest.raises(Conflict) as refused:
            await ada.add(group, bob)
        assert refused.value.details["field"] == "user_id"
        with pytest.raises(NotFound) as missing:
            await ada.chat.groups.add_member(ada.caller, group.id, uuid4())
        assert missing.value.details["resource"] == "user"

    async def test_repeat_tells_outsiders_nothing(self, people: list[Person]) -> None:
        """Whoever was removed from a private group learns nothing of its members by repeating a request."""
        ada, bob, eve = people
        group = await ada.found(bob, is_private=True)
        await bob.chat.groups.add_member(bob.caller, group.id, eve.id, "k")
        await ada.remove(group, bob)
        with pytest.raises(NotFound):
            await bob.chat.groups.add_member(bob.caller, group.id, eve.id, "k")

    async def test_full_group(self, database_dsn: str, people: list[Person]) -> None:
        """A group has room for so many, however they come in, also at the same time."""
        async with running(database_dsn, max_members=SMALL) as chat:
            owner, *others = [Person(chat, person.id) for person in people] + await chat.people(SMALL)
            with pytest.raises(Invalid) as refused:
                await owner.found(*others[:SMALL])
            assert refused.value.details["field"] == "members"
            group = await owner.found(*others[: SMALL - 2])
            late = others[SMALL - 2 :]
            results = await asyncio.gather(*(who.join(group) for who in late), return_exceptions=True)
            assert sum(isinstance(result, Conflict) for result in results) == len(late) - 1
            assert (await owner.look_at(group)).member_count == SMALL
            stranger = await chat.person()
            with pytest.raises(Conflict):
                await owner.add(group, stranger)
            await others[0].leave(group)
            await owner.add(group, stranger)

    async def test_removed_reads_nothing(self, people: list[Person]) -> None:
        """Whoever is removed reads nothing more, neither what was said before nor after."""
        ada, bob, _ = people
        group = await ada.found(bob)
        before, his = await ada.say(group), await bob.say(group)
        await ada.remove(group, bob)
        after = await ada.say(group)
        alone = [bob.see(m) for m in (before, his, after)]
        elsewhere = (bob.edit(his, "changed"), bob.delete(his), bob.read(before), bob.say(group))
        for attempt in (*alone, *elsewhere, bob.history(group), bob.conversation(group.id)):
            with pytest.raises(NotFound):
                await attempt
        page = await bob.history()
        assert (page.items, page.total) == ([], 0)
        # A message of theirs is still a place to go on from, one after their time never was.
        assert (await bob.history(before=before.id)).items == []
        with pytest.raises(Invalid):
            await bob.history(before=after.id)

    async def test_back_again(self, people: list[Person]) -> None:
        """Whoever comes back reads the whole history again, with nothing unread."""
        ada, bob, _ = people
        group = await ada.found(bob)
        for content in ("one", "two", "three"):
            await ada.say(group, content)
            if content == "one":
                await bob.leave(group)
        await bob.join(group)
        assert [message.content for message in (await bob.history(group)).items] == ["three", "two", "one"]
        assert (await bob.conversation(group.id)).unread_count == 0


class TestVisibility:
    async def test_public_groups_are_listed(self, people: list[Person]) -> None:
        """Everybody finds public groups, newest first; private ones only their members, among their own."""
        ada, bob, _ = people
        public = [await ada.found(name=f"Public {number}") for number in range(3)]
        private = await ada.found(is_private=True)

        async def listed(who: Person, *, everybody: bool) -> list[Any]:
            page = await who.chat.groups.list_page(who.caller, public=everybody, limit=10)
            assert page.total == len(page.items)
            return [group.id for group in page.items]

        newest_first = [group.id for group in reversed(public)]
        assert await listed(bob, everybody=True) == await listed(ada, everybody=True) == newest_first
        assert await listed(ada, everybody=False) == [private.id, *newest_first]
        assert await listed(bob, everybody=False) == []
        await ada.change(public[1], is_private=True)
        await ada.dissolve(public[2])
        assert await listed(bob, everybody=True) == [public[0].id]

    async def test_changes(self, people: list[Person]) -> None:
        """What is given changes, null clears, and everything else stays."""
        ada, bob, _ = people
        group = await ada.found(bob, description="Old", days=7)
        changed = await ada.change(group, name="New", description=None, message_retention_days=None)
        assert (changed.name, changed.description) == ("New", None)
        assert changed.settings == GroupSettings(False, True, None)
        assert await bob.look_at(group) == changed
        assert await ada.change(group) == changed

    async def test_deleted_groups_vanish(self, people: list[Person]) -> None:
        """Of a deleted group nothing is found any more, by nobody, under no address."""
        ada, bob, eve = people
        group = await ada.found(bob)
        message = await ada.say(group)
        await ada.dissolve(group)
        for who in (ada, bob, eve):
            attempts = [
                who.look_at(group),
                who.join(group),
                who.say(group),
                who.see(message),
                who.history(group),
            ]
            for attempt in (
                *attempts,
                who.conversation(group.id),
                who.dissolve(group),
                who.change(group, name="x"),
            ):
                with pytest.raises(NotFound):
                    await attempt
            assert (await who.history()).items == []

    async def test_cursors_tell_nothing(self, people: list[Person]) -> None:
        """A cursor that names a private group of others is refused like one that names nothing."""
        ada, bob, _ = people
        private = await ada.found(bob, is_private=True)
        mine = await ada.found()
        stranger = await ada.chat.person()

        async def go_on(who: Person, cursor: Any, *, public: bool = False) -> list[Any]:
            page = await who.chat.groups.list_page(who.caller, public=public, limit=10, before=cursor)
            return [group.id for group in page.items]

        for cursor in (private.id, uuid4()):
            for public in (True, False):
                with pytest.raises(Invalid) as refused:
                    await go_on(stranger, cursor, public=public)
                assert refused.value.details["field"] == "before"
        await ada.remove(private, bob)
        assert await go_on(bob, private.id) == []
        assert await go_on(ada, mine.id) == [private.id]
        await ada.dissolve(mine)
        assert await go_on(ada, mine.id) == [private.id]
        with pytest.raises(Invalid):
            await ada.chat.groups.list_page(ada.caller, public=False, limit=1, before=mine.id, after=mine.id)

    async def test_counting_stops(self, chat: Chat, people: list[Person]) -> None:
        """Public groups are counted up to 10,000, so that a list of them costs no more than that."""
        ada, *_ = people
        group = await ada.found()
        await chat.execute(
            """
            WITH more AS (
                SELECT gen_random_uuid() AS id, created_position, created_at, n
                FROM conversations, generate_series(1, $2::integer) AS n
                WHERE conversation_id = $1
            ), made AS (
                INSERT INTO conversations (conversation_id, kind, created_position, created_at)
                SELECT id, 'group', created_position + n, created_at FROM more
            ), owned AS (
                INSERT INTO members (conversation_id, user_id, role, joined_position, joined_at)
                SELECT id, $3, 'owner', created_position + n, created_at FROM more
            )
            INSERT INTO groups (conversation_id, created_position, name, is_private, allow_invites)
            SELECT id, created_position + n, 'Club', false, true FROM more
            """,
            group.id,
            COUNT_LIMIT,
            ada.id,
        )
        page = await ada.chat.groups.list_page(ada.caller, public=True, limit=3)
        assert (page.total, page.total_exact, page.current_page) == (COUNT_LIMIT, False, 1)
        await ada.dissolve(group)
        page = await ada.chat.groups.list_page(ada.caller, public=True, limit=3)
        assert (page.total, page.total_exact) == (COUNT_LIMIT, True)


class TestMembers:
    async def test_latest_to_join_first(self, chat: Chat, people: list[Person]) -> None:
        """Members are listed by when they joined, with totals and the current page."""
        ada, bob, eve = people
        group = await ada.found(bob)
        await eve.join(group)
        page = await bob.chat.groups.list_members(bob.caller, group.id, limit=1)
        assert ([m.user_id for m in page.items], page.total, page.current_page) == ([eve.id], 3, 1)
        assert page.next_cursor == str(eve.id)
        page = await bob.chat.groups.list_members(bob.caller, group.id, limit=2, before=eve.id)
        assert {m.user_id for m in page.items} == {ada.id, bob.id}
        assert (page.has_more, page.next_cursor, page.current_page) == (False, None, 1)
        page = await bob.chat.groups.list_members(bob.caller, group.id, limit=1, before=eve.id)
        assert (page.has_more, page.current_page) == (True, 2)

    async def test_cursor_outlives_its_member(self, people: list[Person]) -> None:
        """Somebody who left still says where the list goes on; a stranger does not."""
        ada, bob, eve = people
        group = await ada.found(bob)
        await eve.join(group)
        await eve.leave(group)
        page = await ada.chat.groups.list_members(ada.caller, group.id, limit=5, before=eve.id)
        assert {m.user_id for m in page.items} == {ada.id, bob.id}
        stranger = await ada.chat.person()
        with pytest.raises(Invalid):
            await ada.chat.groups.list_members(ada.caller, group.id, limit=5, after=stranger.id)
        with pytest.raises(Invalid):
            await ada.chat.groups.list_members(ada.caller, group.id, limit=5, before=ada.id, after=bob.id)
