"""A server with a fault that was planted on purpose: `python faulty.py FAULT serve …` is `parley serve …`.

Several faults are named with commas between them.

Each fault is of a kind that a contract test is there to find; a test that cannot find it is worth nothing.
"""

import dataclasses
import functools
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

import parley.cli
import quick
from generated.frames import CloseCode
from parley.contract import Reply, operations, v2
from parley.contract.document import handler_modules
from parley.contract.exchange import Exchange
from parley.contract.replies import encode
from parley.errors import Gone, Invalid, NotFound
from parley.model import Caller
from parley.realtime import connection
from parley.services import services

Handler = Callable[..., Awaitable[Reply]]
Wrong = Callable[[Handler, dict[str, Any]], Awaitable[Reply]]


def program(*faults: str) -> tuple[str, ...]:
    """Return what stands in place of `python -m parley` to have a server with these faults."""
    return (sys.executable, str(Path(__file__)), ",".join(faults))


def _plant(tag: str, operation: str, wrong: Wrong) -> None:
    """Let `wrong` answer for an operation; it is given the real function and its arguments."""
    module = handler_modules("handlers")[tag]
    original: Handler = getattr(module, operation)

    @functools.wraps(original)
    async def handler(**arguments: Any) -> Reply:
        return await wrong(original, arguments)

    setattr(module, operation, handler)


def every_operation_fails() -> None:
    """A fault that nobody foresaw, everywhere."""

    async def fail(_: Handler, __: dict[str, Any]) -> Reply:
        raise RuntimeError("planted: the secret of the house")

    for tag, module in handler_modules("handlers").items():
        for operation in dir(module):
            if getattr(getattr(module, operation), "__module__", None) == module.__name__:
                _plant(tag, operation, fail)


def wrong_type() -> None:
    """A number where the document promises a string."""

    async def number_the_name(original: Handler, arguments: dict[str, Any]) -> Reply:
        reply = await original(**arguments)
        return dataclasses.replace(reply, body={**dataclasses.asdict(reply.body), "username": 17})

    _plant("users", "get_me", number_the_name)


def undeclared_status() -> None:
    """A status that the document does not know."""

    async def accept(original: Handler, arguments: dict[str, Any]) -> Reply:
        return dataclasses.replace(await original(**arguments), status=202)

    _plant("groups", "list_groups", accept)


def missing_header() -> None:
    """A header that the document calls required is left out."""

    async def hide_the_place(original: Handler, arguments: dict[str, Any]) -> Reply:
        return dataclasses.replace(await original(**arguments), headers={})

    _plant("groups", "create_group", hide_the_place)


def status_on_send() -> None:
    """A success, but another one than is promised."""

    async def merely_fine(original: Handler, arguments: dict[str, Any]) -> Reply:
        return dataclasses.replace(await original(**arguments), status=200)

    _plant("messages", "send_message", merely_fine)


def missing_location() -> None:
    """What was made does not say where it is."""

    async def hide_the_place(original: Handler, arguments: dict[str, Any]) -> Reply:
        return dataclasses.replace(await original(**arguments), headers={})

    _plant("messages", "send_message", hide_the_place)


def login_wrong() -> None:
    """A number as text."""

    async def in_words(original: Handler, arguments: dict[str, Any]) -> Reply:
        reply = await original(**arguments)
        return dataclasses.replace(reply, body={**orjson.loads(encode(reply.body)), "expires_in": "3600"})

    _plant("auth", "login", in_words)


def refresh_teapot() -> None:
    """A status that the document does not know, where only a fresh token leads."""

    async def accept(original: Handler, arguments: dict[str, Any]) -> Reply:
        return dataclasses.replace(await original(**arguments), status=202)

    _plant("auth", "refresh", accept)


def missing_limits() -> None:
    """No answer tells what is left of the limits."""
    Exchange.limit_lines = staticmethod(lambda counted: b"")  # type: ignore[assignment, method-assign]  # the fault


def unknown_fields_accepted() -> None:
    """Bodies that are closed in the document are open."""
    checked = operations.Body.checked

    def overlook(body: operations.Body, value: Any) -> Any:
        try:
            return checked(body, value)
        except Invalid as error:
            unknown = {each["field"] for each in error.details["errors"] if each["reason"] == "Unknown field"}
            known = {name: part for name, part in value.items() if name not in unknown} if unknown else value
            return checked(body, known)

    operations.Body.checked = overlook  # type: ignore[method-assign, assignment]  # the fault


def somebody_elses_messages() -> None:
    """Every message is shown to everybody who has its id."""

    async def show_as_its_sender(original: Handler, arguments: dict[str, Any]) -> Reply:
        async with services().messages._database.read() as conn:
            sender_id = await conn.fetchval(
                "SELECT sender_id FROM messages WHERE message_id = $1", arguments["message_id"]
            )
        caller: Caller = arguments["caller"]
        sender = Caller(sender_id or caller.user_id, caller.session_id)
        return await original(**{**arguments, "caller": sender})

    _plant("messages", "get_message", show_as_its_sender)


def fails_on_some_input() -> None:
    """An input at the end of what is allowed is too much."""

    async def stumble(original: Handler, arguments: dict[str, Any]) -> Reply:
        if len(arguments["body"].name) >= 100:
            raise OverflowError("planted")
        return await original(**arguments)

    _plant("groups", "create_group", stumble)


def wrong_close_code() -> None:
    """A token that is none of ours is told something else."""
    connection._refusal = lambda error: CloseCode.BAD_FRAME  # the fault


def _plant_in_answers(wrong: Callable[[Exchange, Reply, str | None], Reply]) -> None:
    """Let `wrong` have the last word about what v1 answers; it is told the operation, if there is one."""
    original = Exchange.answer

    async def answer(exchange: Exchange, reply: Reply, operation: str | None, route: str) -> None:
        await original(exchange, wrong(exchange, reply, operation), operation, route)

    Exchange.answer = answer  # type: ignore[method-assign, assignment]  # the fault


def other_contract() -> None:
    """One operation tells of another contract than the server publishes."""

    def rename(exchange: Exchange, reply: Reply, operation: str | None) -> Reply:
        if operation == "list_conversations":
            exchange._common_headers = exchange._common_headers.replace(b"x-contract: 1", b"x-contract: 9")
        return reply

    _plant_in_answers(rename)


def conflict_for_not_found() -> None:
    """What is not there is told by the code of something else."""

    def misname(_: Exchange, reply: Reply, __: str | None) -> Reply:
        if reply.status == 404:
            reply.body["error"]["code"] = "conflict"
        return reply

    _plant_in_answers(misname)


def missing_allow() -> None:
    """A method is refused without saying which ones there are."""

    def hide(_: Exchange, reply: Reply, __: str | None) -> Reply:
        return dataclasses.replace(reply, headers={}) if reply.status == 405 else reply

    _plant_in_answers(hide)


def edit_unshown() -> None:
    """A message is changed, and shown with other words."""

    async def misquote(original: Handler, arguments: dict[str, Any]) -> Reply:
        reply = await original(**arguments)
        return dataclasses.replace(reply, body={**orjson.loads(encode(reply.body)), "content": "Else"})

    _plant("messages", "edit_message", misquote)


def empty_list() -> None:
    """There are messages, and none are shown."""

    async def hide_all(original: Handler, arguments: dict[str, Any]) -> Reply:
        reply = await original(**arguments)
        return dataclasses.replace(reply, body={**orjson.loads(encode(reply.body)), "messages": []})

    _plant("messages", "list_messages", hide_all)


def never_there() -> None:
    """What was deleted is told to be unknown."""

    async def forget(original: Handler, arguments: dict[str, Any]) -> Reply:
        try:
            return await original(**arguments)
        except Gone:
            raise NotFound("message") from None

    _plant("messages", "get_message", forget)


def error_frame_code() -> None:
    """Frames are refused by the code of something else."""
    original = connection.Connection._write

    def write(client: connection.Connection, frame_type: str, data: Any) -> None:
        original(client, frame_type, {**data, "code": "conflict"} if frame_type == "error" else data)

    connection.Connection._write = write  # type: ignore[method-assign, assignment]  # the fault


def delivered_twice() -> None:
    """Whatever happens is told twice to each open socket."""
    original = connection.Connection.deliver

    def deliver(client: connection.Connection, framed: bytes, frames: int, position: int) -> None:
        original(client, framed, frames, position)
        original(client, framed, frames, position)

    connection.Connection.deliver = deliver  # type: ignore[method-assign, assignment]  # the fault


# ---- of v2, each in one operation


def _plant_in_v2(operation: str, wrong: Callable[[Reply], Reply]) -> None:
    """Let `wrong` have the last word about what an operation of v2 answers."""
    translated = v2.V2Exchange._translated

    def told(exchange: v2.V2Exchange, reply: Reply) -> Reply:
        answer = translated(exchange, reply)
        is_meant = exchange.operation is not None and exchange.operation.operation_id == f"v2.{operation}"
        return wrong(answer) if is_meant else answer

    v2.V2Exchange._translated = told  # type: ignore[method-assign, assignment]  # the fault


def problem_without_title() -> None:
    """A problem that lacks what RFC 9457 has."""

    def untitled(reply: Reply) -> Reply:
        if reply.status >= 400:
            del reply.body["title"]
        return reply

    _plant_in_v2("create_group", untitled)


def list_without_items() -> None:
    """A list under the name that it has in v1."""

    def as_in_v1(reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        body = orjson.loads(orjson.dumps(reply.body))
        body["groups"] = body.pop("items")
        return dataclasses.replace(reply, body=body)

    _plant_in_v2("list_groups", as_in_v1)


def undeclared_status_of_v2() -> None:
    """A status that v2's document does not know."""

    def accept(reply: Reply) -> Reply:
        return dataclasses.replace(reply, status=203) if reply.status == 200 else reply

    _plant_in_v2("list_conversations", accept)


def missing_tag() -> None:
    """A read without its entity tag."""

    def untagged(reply: Reply) -> Reply:
        headers = {name: value for name, value in reply.headers.items() if name != "ETag"}
        return dataclasses.replace(reply, headers=headers)

    _plant_in_v2("get_me", untagged)


FAULTS: Mapping[str, Callable[[], None]] = {
    plant.__name__: plant
    for plant in (
        every_operation_fails,
        wrong_type,
        undeclared_status,
        missing_header,
        status_on_send,
        missing_location,
        login_wrong,
        refresh_teapot,
        missing_limits,
        unknown_fields_accepted,
        somebody_elses_messages,
        fails_on_some_input,
        wrong_close_code,
        other_contract,
        conflict_for_not_found,
        missing_allow,
        edit_unshown,
        empty_list,
        never_there,
        error_frame_code,
        delivered_twice,
        problem_without_title,
        list_without_items,
        undeclared_status_of_v2,
        missing_tag,
    )
}

if __name__ == "__main__":
    quick.hash_quickly()
    for name in sys.argv.pop(1).split(","):
        FAULTS[name]()
    parley.cli.run()
