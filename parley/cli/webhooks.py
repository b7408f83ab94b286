"""`parley webhooks`: for whoever writes a receiver."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import typer

from parley.cli import ports, printable
from parley.cli.outcomes import Usage
from parley.errors import Invalid

if TYPE_CHECKING:
    from aiohttp import web

commands = typer.Typer(help="Try webhooks out.", no_args_is_help=True)

# More than any payload has.
_MAX_BODY_BYTES = 1_048_576
# Metadata may nest, and nothing else does.
_MAX_DEPTH = 100


@commands.command("listen")
def listen(
    host: str = typer.Option("127.0.0.1", help="The address to listen on."),
    port: int = typer.Option(8090, min=0, max=65_535, help="The port to listen on; 0 takes any free one."),
    secret: str | None = typer.Option(
        None,
        envvar="WEBHOOK_SECRET",
        help="The webhook's secret, as it was given or in the form whsec_… Without one nothing is verified.",
    ),
    status: int = typer.Option(204, min=200, max=599, help="The status to answer with."),
    as_json: bool = typer.Option(False, "--json", help="Print each request as a line of JSON."),
    print_url: bool = typer.Option(False, "--print-url", help="Print the URL first, and no other words."),
) -> None:
    """Receive webhooks on this machine, verify them and print what they say. Ctrl-C ends it.

    A server sends to this machine only where it may: start it with PARLEY_WEBHOOK_ALLOW_NETWORKS=127.0.0.1.
    """
    if secret is not None:
        _check(secret)
    with ports.listen(host, port) as listening:
        url = _url(host, listening.getsockname()[1])
        greeting = url if print_url else None if as_json else f"Listening on {url}; Ctrl-C ends it."
        with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
            asyncio.run(_Receiver(secret, status, as_json=as_json).run(listening, greeting))


def _check(secret: str) -> None:
    from parley.services.webhook_secrets import check_secret

    try:
        check_secret(secret)
    except Invalid as refusal:
        raise Usage(f"The secret {refusal.details['reason']}.") from None


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


@dataclass(frozen=True, slots=True)
class _Arrival:
    """One request. `verified` is None without a secret; `problem` says why it is not to be believed."""

    id: str | None
    event: str | None
    verified: bool | None
    problem: str | None
    repeated: bool
    payload: Any

    def as_text(self) -> str:
        """Return a line about it, and its payload."""
        verdict = {None: "not verified, for lack of a secret", True: "verified"}.get(
            self.verified, f"NOT TO BE BELIEVED: {self.problem}"
        )
        again = ", again" if self.repeated else ""
        time = datetime.now().astimezone().strftime("%H:%M:%S")
        line = f"{time}  {self.event or '(no event)'}  {self.id or '(no id)'}  {verdict}{again}"
        return f"{printable.line(line)}\n{printable.as_json(self.payload, indent=2)}"


class _Receiver:
    """Answers each request with the same status, and prints it."""

    def __init__(self, secret: str | None, status: int, *, as_json: bool) -> None:
        self._secret = secret
        self._status = status
        self._as_json = as_json
        self._seen: set[str] = set()

    async def run(self, listening: socket.socket, greeting: str | None) -> None:
        """Receive until somebody stops it; the greeting is printed when it can."""
        from aiohttp import web

        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_post("/{path:.*}", self._take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            if greeting is not None:
                _say(greeting)
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _take(self, request: "web.Request") -> "web.Response":
        from aiohttp import web

        body = await request.read()
        arrival = self._judge(body, {name.lower(): value for name, value in request.headers.items()})
        _say(printable.as_json(asdict(arrival)) if self._as_json else arrival.as_text())
        return web.Response(status=self._status)

    def _judge(self, body: bytes, headers: Mapping[str, str]) -> _Arrival:
        payload = _read(body)
        event = payload.get("event") if isinstance(payload, dict) else None
        message_id = headers.get("webhook-id")
        problem = None if self._secret is None else _problem(body, payload, headers, self._secret)
        repeated = message_id in self._seen
        # What somebody else made up is nothing that the real one could repeat.
        if message_id is not None and problem is None:
            self._seen.add(message_id)
        return _Arrival(
            id=message_id,
            event=event if isinstance(event, str) else None,
            verified=None if self._secret is None else problem is None,
            problem=problem,
            repeated=repeated,
            payload=payload,
        )


def _read(body: bytes) -> Any:
    """Return what a body says, or its text where that is no JSON, or nests deeper than anything that is sent."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")
    return body.decode() if _nests(payload, _MAX_DEPTH) else payload


def _nests(value: Any, depth: int) -> bool:
    """Tell whether something lies in that many others."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_nests(each, depth - 1) for each in inner)


def _problem(body: bytes, payload: Any, headers: Mapping[str, str], secret: str) -> str | None:
    """Return why a request is not to be believed. The body's own signature is by the newest secret only."""
    from parley.webhooks.verification import Unverified, verify, verify_member

    try:
        verify(body, headers, secret=secret, now=datetime.now(UTC))
        if not isinstance(payload, dict):
            return "the body is no JSON object"
        if headers["webhook-signature"].count(" ") == 0:
            verify_member(payload, secret=secret)
    except Unverified as reason:
        return str(reason)
    return None


def _say(text: str) -> None:
    typer.echo(text)
    # Whoever reads a pipe wants it now.
    sys.stdout.flush()
