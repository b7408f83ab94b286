"""The driver of the SDK for Python; `sdks/conformance/README.md` says what it is asked.

It drives the client for asyncio, or with `threads` as its argument the one for threads.
"""

import asyncio
import base64
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from parley_sdk import (
    AsyncClient,
    AsyncListener,
    Backoff,
    Client,
    Event,
    FileCursorStore,
    FileTokenStore,
    MemoryCursorStore,
    MemoryTokenStore,
    RetryPolicy,
    UnknownEvent,
    UnknownPayload,
    Webhook,
)
from parley_sdk.api_error import ApiError, ParleyError, SocketClosed
from pydantic import BaseModel


def plain(value: Any) -> Any:
    """Return a model as JSON has it."""
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def say(line: Mapping[str, Any]) -> None:
    """Write a line to the suite."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def fact_of(error: Exception) -> dict[str, Any]:
    """Return what the suite wants to know of an error."""
    fact: dict[str, Any] = dict.fromkeys(("code", "status", "field", "reason", "request_id"))
    fact |= {"class": type(error).__name__, "message": str(error)}
    if isinstance(error, ApiError):
        names = ("code", "status", "field", "reason", "request_id", "message")
        fact |= {name: getattr(error, name) for name in names}
    elif isinstance(error, SocketClosed):
        fact["code"] = error.code
    return fact


class InThreads:
    """A client, or a listener, for threads: looks like the one for asyncio, and does each thing in a thread."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name in ("each", "history_since", "listen", "on_state", "use_tokens") or not callable(value):
            return self._wrapped(value)

        async def in_a_thread(*arguments: Any, **options: Any) -> Any:
            return await asyncio.to_thread(value, *arguments, **options)

        return in_a_thread

    @staticmethod
    def _wrapped(value: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            result = value(*arguments, **options)
            return result if result is None else InThreads(result)

        return call if callable(value) else value

    async def __aiter__(self) -> AsyncIterator[Any]:
        iterator = iter(self._inner)
        end = object()
        while (item := await asyncio.to_thread(next, iterator, end)) is not end:
            yield item


class Handler:
    """The handler of one listener, which can be told to pause."""

    def __init__(self, name: str, listener: AsyncListener | InThreads) -> None:
        self.listener = listener
        self._name = name
        self._going = asyncio.Event()
        self._going.set()
        listener.on_state(lambda state: say({"listener": name, "state": state}))
        self.task = asyncio.create_task(self._run())

    def pause(self, paused: bool) -> None:
        if paused:
            self._going.clear()
        else:
            self._going.set()

    async def _run(self) -> None:
        ended: dict[str, Any] = {"class": None}
        try:
            async for event in self.listener:
                await self._going.wait()
                self._hand_over(event)
        except ParleyError as error:
            ended = fact_of(error)
        say({"listener": self._name, "ended": ended})

    def _hand_over(self, event: Event) -> None:
        line = {name: getattr(event, name, None) for name in ("cursor", "seq")}
        line |= {"type": event.type, "known": True, "data": plain(event.data)}
        if isinstance(event, UnknownEvent):
            line |= {"type": event.name, "known": False}
        say({"listener": self._name, "event": line})


class Driver:
    """All clients and listeners of a run; each command is a method."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._clients: dict[str, Any] = {}
        self._users: dict[str, str] = {}
        self._handlers: dict[str, Handler] = {}

    async def client(self, name: str, base_url: str, **options: Any) -> None:
        retry = options.pop("retry", {})
        base, cap = retry.pop("base", 0.5), retry.pop("cap", 30)
        token_file = options.pop("token_file", None)
        self._clients[name] = self._make(
            base_url,
            token_store=MemoryTokenStore() if token_file is None else FileTokenStore(token_file),
            retry=RetryPolicy(**retry, backoff=Backoff(base, cap)),
            **options,
        )

    async def close(self, name: str) -> None:
        await self._clients.pop(name).close()

    async def login(self, client: str, email: str, password: str) -> Any:
        self._users[client] = str((await self._clients[client].log_in(email, password)).user_id)
        return {"user_id": self._users[client]}

    async def logout(self, client: str) -> None:
        await self._clients[client].log_out()

    async def tokens(self, client: str) -> Any:
        tokens = self._clients[client].tokens
        assert tokens is not None
        return {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}

    async def set_tokens(self, client: str, access_token: str, refresh_token: str, expires_in: float) -> None:
        self._clients[client].use_tokens(access_token, refresh_token, expires_in)

    async def register(self, client: str, **fields: Any) -> Any:
        return await self._clients[client].register_user(fields)

    async def me(self, client: str) -> Any:
        return await self._clients[client].get_me()

    async def update_me(self, client: str, fields: dict[str, Any]) -> Any:
        return await self._clients[client].update_user(self._users[client], fields)

    async def send(self, client: str, idempotency_key: str | None = None, **fields: Any) -> Any:
        return await self._clients[client].send_message(fields, idempotency_key=idempotency_key)

    async def pages(
        self,
        client: str,
        conversation_id: str,
        direction: str,
        limit: int,
        start: str | None = None,
        stop_after: int | None = None,
    ) -> Any:
        of = self._clients[client]
        edge = {"after" if direction == "newer" else "before": start}
        ids: list[str] = []
        async for message in of.each(
            getattr(of, "_inner", of).list_messages, conversation_id=conversation_id, limit=limit, **edge
        ):
            ids.append(str(message.id))
            if len(ids) == stop_after:
                break
        return {"ids": ids}

    async def history(self, client: str, since: str) -> Any:
        at = datetime.fromisoformat(since.replace("Z", "+00:00"))
        return {"ids": [str(message.id) async for message in self._clients[client].history_since(at)]}

    async def last(self, client: str) -> Any:
        last = self._clients[client].last
        assert last is not None
        limit = last.rate_limit
        known = limit and {"limit": limit.limit, "remaining": limit.remaining, "reset": limit.reset}
        return {"request_id": last.request_id, "rate_limit": known}

    async def listen(
        self,
        client: str,
        listener: str,
        cursor: str | None = None,
        cursor_file: str | None = None,
        backoff: dict[str, float] | None = None,
    ) -> None:
        store = MemoryCursorStore(cursor) if cursor_file is None else FileCursorStore(cursor_file)
        heard = self._clients[client].listen(cursor_store=store, backoff=Backoff(**(backoff or {})))
        self._handlers[listener] = Handler(listener, heard)

    async def pause(self, listener: str) -> None:
        self._handlers[listener].pause(True)

    async def resume(self, listener: str) -> None:
        self._handlers[listener].pause(False)

    async def held(self, listener: str) -> Any:
        return {"events": self._handlers[listener].listener.held}

    async def typing(self, listener: str, conversation_id: str, is_typing: bool) -> None:
        await self._handlers[listener].listener.typing(conversation_id, is_typing)

    async def presence(self, listener: str, status: Any) -> None:
        await self._handlers[listener].listener.presence(status)

    async def receipt(self, listener: str, conversation_id: str, message_id: str, kind: Any) -> None:
        await self._handlers[listener].listener.receipt(conversation_id, message_id, kind)

    async def unlisten(self, listener: str) -> None:
        handler = self._handlers.pop(listener)
        await handler.listener.close()
        handler.pause(False)
        await handler.task

    async def verify(self, secrets: list[str], headers: dict[str, str], body: str, seed: bool = False) -> Any:
        webhook, raw = Webhook(*secrets), base64.b64decode(body)
        event = webhook.verify_signature(raw) if seed else webhook.verify(raw, headers)
        name = event.name if isinstance(event, UnknownPayload) else event.event
        return {"type": name, "event": {**plain(event), "event": name}}

    async def end(self) -> None:
        """End what is left, as a program would."""
        for name in list(self._handlers):
            await self.unlisten(name)
        for name in list(self._clients):
            await self.close(name)

    async def leftovers(self) -> Any:
        await asyncio.sleep(0)
        # This command and the reader of commands are two.
        tasks = len(asyncio.all_tasks()) - 2
        # The threads of the pool are the driver's own.
        pool = [thread for thread in threading.enumerate() if thread.name.startswith("asyncio_")]
        return {"count": tasks + threading.active_count() - len(pool) - 1}


async def obey(driver: Driver, line: dict[str, Any]) -> None:
    """Carry out one command."""
    number, name = line.pop("id"), line.pop("do")
    try:
        say({"id": number, "ok": plain(await getattr(driver, name)(**line)) or {}})
    except Exception as error:
        say({"id": number, "error": fact_of(error)})


async def main() -> None:
    in_threads = sys.argv[1:] == ["threads"]
    driver = Driver((lambda *a, **o: InThreads(Client(*a, **o))) if in_threads else AsyncClient)
    # As many commands at once as a suite gives.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(100, thread_name_prefix="asyncio"))
    tasks: set[asyncio.Task[None]] = set()
    lines = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while text := await lines.readline():
        line = json.loads(text)
        if line["do"] == "exit":
            await driver.end()
            break
        task = asyncio.create_task(obey(driver, line))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    asyncio.run(main())
