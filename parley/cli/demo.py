"""`parley demo`: two people, a group and some history, and commands to paste."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import typer

from parley import settings
from parley.cli.outcomes import Refused
from parley.errors import Conflict

if TYPE_CHECKING:
    from parley.node import Node

# Others than those of the README's tour, so that one can do both.
_ADA = "demo-ada@example.com"
_BOB = "demo-bob@example.com"
_GROUP = "Analytical Engine"
_CHAT = (
    ("ada", "Good morning, Bob. Have you read the notes?"),
    ("bob", "All of them. Note G is my favourite."),
    ("ada", "Then meet me in the group, there is work to do."),
)
_WORK = (
    ("ada", "The engine weaves algebraical patterns just as the loom weaves flowers and leaves."),
    ("bob", "Shall we print the first table today?"),
    ("ada", "Yes. And let us number the cards this time."),
)


@dataclass(frozen=True, slots=True)
class Made:
    """What the demo made, as far as the commands need it."""

    address: str
    password: str
    bob_id: UUID
    group_id: UUID
    without_server: bool


def demo() -> None:
    """Make Ada, Bob and a group with some history, and print commands that are ready to paste."""
    typer.echo(_commands(asyncio.run(_make())))


async def _make() -> Made:
    from parley.node import Node

    password = secrets.token_urlsafe(12)
    async with Node(settings.load(), visiting=True, must_exist=True) as node:
        try:
            ada = (await node.services.accounts.create(_ADA, "demo-ada", password, "Ada Lovelace")).id
            bob = (await node.services.accounts.create(_BOB, "demo-bob", password, "Bob")).id
        except Conflict:
            raise Refused(
                "Ada or Bob is there already; the demo makes them once. "
                f"`parley user password {_ADA}` sets another password."
            ) from None
        return Made(node.address, password, bob, await _talk(node, ada, bob), node.is_alone)


async def _talk(node: "Node", ada: UUID, bob: UUID) -> UUID:
    """Let the two write to each other, then in a group whose id is returned."""
    from parley.model import Caller, GroupSettings
    from parley.services.messages import NewMessage

    # Who writes is what counts here; there is no session behind it.
    people = {"ada": Caller(ada, UUID(int=0)), "bob": Caller(bob, UUID(int=0))}
    services = node.services
    chat, *_ = await services.conversations.open_direct(people["ada"], bob)
    kept = GroupSettings(is_private=False, allow_invites=True, message_retention_days=None)
    group, _ = await services.groups.create(people["ada"], _GROUP, "Cards and patterns", [bob], kept)
    for conversation_id, said in ((chat.id, _CHAT), (group.id, _WORK)):
        for who, text in said:
            await services.messages.send(people[who], NewMessage(text, conversation_id=conversation_id))
    return group.id


def _commands(made: Made) -> str:
    login = f'{{"email": "{_ADA}", "password": "{made.password}"}}'
    start = "No server runs here: start it with `parley serve` first. " if made.without_server else ""
    return f"""\
Ada ({_ADA}) and Bob ({_BOB}) are there, both with the password {made.password}
They have talked to each other and in the group "{_GROUP}". {start}Paste this into a shell:

  URL={made.address}/v1 JSON='Content-Type: application/json'
  TOKEN=$(curl -s $URL/auth/login -H "$JSON" -d '{login}' \\
    | sed -E 's/.*"access_token":"([^"]+)".*/\\1/')

  curl -s $URL/conversations -H "Authorization: Bearer $TOKEN"
  curl -s "$URL/messages?conversation_id={made.group_id}&limit=10" -H "Authorization: Bearer $TOKEN"
  curl -s $URL/messages -H "Authorization: Bearer $TOKEN" -H "$JSON" \\
    -d '{{"receiver_id": "{made.bob_id}", "content": "Hello, Bob!"}}'
"""
