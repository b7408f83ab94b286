"""One run of the server, from its socket to its last answer."""

import asyncio
import gc
import json
import os
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import typer

from generated.frames import CLIENT_SCHEMAS, LIMITS, CloseCode
from parley import __version__, logs
from parley.app import App, Observer
from parley.contract.client_frames import ClientFrames
from parley.contract.cors import is_own
from parley.contract.exchange import Edge
from parley.contract.options import ContractOptions
from parley.logs import RequestLog
from parley.node import Node
from parley.pages import document, pages
from parley.realtime.edge import HANDSHAKES, Realtime
from parley.realtime.socket import MakeSocket, SocketOptions, Sockets
from parley.server import Server, ServerOptions, make_server
from parley.server import run as run_in_loop
from parley.services import Services
from parley.settings import Rate, Settings
from parley.webhooks.sender import Observe

_log = logs.logger("cli")


def run(chosen: Settings, listening: socket.socket, *, temporary: bool, print_url: bool) -> None:
    """Serve on a socket until a signal comes."""
    run_in_loop(Serving(chosen, listening, temporary=temporary, print_url=print_url).run())


class Serving:
    """One run of the server.

    The first SIGTERM or Ctrl-C drains: /readyz says 503, what runs may finish, then everything stops. The
    second cuts off what is still running.
    """

    def __init__(
        self, chosen: Settings, listening: socket.socket, *, temporary: bool, print_url: bool
    ) -> None:
        self._settings = chosen
        self._listening = listening
        self._temporary = temporary
        self._print_url = print_url
        self._url = chosen.url(listening.getsockname()[1])
        self._task: asyncio.Task[object] | None = None
        self._node: Node | None = None
        self._server: Server | None = None
        self._realtime: Realtime | None = None
        self._draining: asyncio.Task[None] | None = None
        self._stopping = False

    async def run(self) -> None:
        """Serve until a signal comes."""
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        try:
            async with Node(
                self._settings,
                temporary=self._temporary,
                observe_webhooks=_checked_payloads(self._settings.check_answers),
            ) as self._node:
                await self._serve(self._node)
        except asyncio.CancelledError:
            # A signal came while the node was starting, or a second one while it was stopping.
            if not self._stopping:
                raise

    async def _serve(self, node: Node) -> None:
        chosen = self._settings
        request_log = RequestLog(chosen.log_format) if chosen.logs_requests else None
        contract = json.loads(document.as_json())
        app = App(
            node.services,
            contract,
            node.services.accounts,
            _contract_options(chosen, node.services),
            pages=pages(node, metrics_allow=chosen.metrics_allow),
            observer=Observer(request_log),
            beta=json.loads(document.as_json("openapi-v2")),
        )
        options = ServerOptions(chosen.host, chosen.port, grace_seconds=chosen.shutdown_grace_seconds)
        self._realtime = await open_sockets(node, contract, app.edge, _handshakes(chosen))
        sockets = Sockets(
            self._realtime.endpoint,
            _socket_options(chosen),
            app.edge.addresses.address,
            make=_checked(contract, chosen.check_answers),
        )
        server = self._server = make_server(app, options, sockets)
        serving = asyncio.create_task(server.serve(sockets=[self._listening]))
        try:
            await server.ready.wait()
            spare_the_collector()
            node.publish(self._url)
            self._announce()
            await serving
        finally:
            self._server = None
            if request_log is not None:
                request_log.flush()

    def _stop(self, number: int) -> None:
        again, self._stopping = self._stopping, True
        if self._server is None:
            # Nothing is served yet, or not any more: what is starting or stopping is broken off.
            if self._task is not None:
                self._task.cancel()
        elif again:
            self._server.force_exit = self._server.should_exit = True
        else:
            _log.info("shutting down", signal=signal.Signals(number).name)
            if self._node is not None:
                self._node.drain()
            # Ctrl-C has no load balancer to wait for.
            patience = self._settings.drain_seconds if number == signal.SIGTERM else 0
            self._draining = asyncio.create_task(self._drain(self._server, patience))

    async def _drain(self, server: Server, patience: float) -> None:
        await asyncio.sleep(patience)
        try:
            if self._realtime is not None:
                await self._realtime.drain()
        finally:
            server.should_exit = True

    def _announce(self) -> None:
        if self._print_url:
            typer.echo(self._url)
        else:
            typer.echo(_welcome(self._url, self._settings, temporary=self._temporary))
        sys.stdout.flush()


async def open_sockets(
    node: Node, contract: Mapping[str, Any], edge: Edge, handshakes: Rate | None
) -> Realtime:
    """Begin to feed sockets, by the rules that REST has for origins and limits too.

    Browsers ask nobody before a page calls REST at its own origin, but they name it when it opens a socket.
    """
    bucket = edge.limits.buckets["ws"]

    async def count(user_id: UUID) -> bool:
        return not (await edge.limits.hit(bucket, f"user/{user_id.hex}")).refused

    def allowed(origin: str, host: str | None) -> bool:
        page, called = origin.encode("latin-1"), None if host is None else host.encode("latin-1")
        return is_own(page, called) or edge.cors.allows(page, called)

    return await node.open_sockets(
        ClientFrames(contract, {str(kind): name for kind, name in CLIENT_SCHEMAS.items()}),
        allowed=allowed,
        count=count,
        handshakes=handshakes,
    )


def _handshakes(chosen: Settings) -> Rate | None:
    return (chosen.rate_limit_handshakes or HANDSHAKES) if chosen.rate_limits else None


def _socket_options(chosen: Settings) -> SocketOptions:
    return SocketOptions(
        max_message_bytes=LIMITS.frame_bytes,
        compression=chosen.socket_compression,
        close_seconds=LIMITS.close_seconds,
        max_extra_frames=LIMITS.frames_per_minute,
        too_many_frames_code=CloseCode.TOO_MANY_FRAMES,
        going_away_code=CloseCode.GOING_AWAY,
    )


def _checked(contract: Mapping[str, Any], file: Path | None) -> MakeSocket | None:
    """Return what makes sockets whose every frame is checked, in tests."""
    if file is None:
        return None
    from parley.contract.frames_seen import FramesRecorder

    return FramesRecorder(contract, json.loads(document.as_json("asyncapi")), file).make


def _checked_payloads(file: Path | None) -> Observe | None:
    """Return what checks each payload that webhooks are sent, in tests."""
    if file is None:
        return None
    from parley.contract.payloads_seen import PayloadsRecorder

    return PayloadsRecorder(json.loads(document.as_json()), file).sent


def spare_the_collector() -> None:
    """Leave what start-up made out of every later collection, and collect less often.

    Requests make no cycles worth a scan of everything each 700 objects: measured, that was a tenth of the time
    of a send, and most of the slowest hundredth.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _contract_options(chosen: Settings, services: Services) -> ContractOptions:
    buckets = {
        "auth": chosen.rate_limit_auth,
        "auth_address": chosen.rate_limit_auth_address,
        "api": chosen.rate_limit_api,
        "ws": chosen.rate_limit_ws,
        "webhooks": chosen.rate_limit_webhooks,
    }

    def session_of(body: Any) -> str | None:
        """Return whose refresh token a body holds; one that is not ours counts for the address."""
        token = body.get("refresh_token") if isinstance(body, dict) else None
        session_id = services.sessions.session_of(token) if isinstance(token, str) else None
        return None if session_id is None else str(session_id)

    return ContractOptions(
        max_body_bytes=chosen.max_body_bytes,
        enforce_rate_limits=chosen.rate_limits,
        rate_limits={name: (rate.limit, rate.window_seconds) for name, rate in buckets.items() if rate},
        cors_origins=chosen.cors_origins,
        trusted_proxies=chosen.trusted_proxies,
        session_of=session_of,
        answers_file=chosen.check_answers,
    )


def _welcome(url: str, chosen: Settings, *, temporary: bool) -> str:
    if temporary:
        data = "a temporary directory, removed at the end"
    elif chosen.database_url is not None:
        data = "in the database of PARLEY_DATABASE_URL"
    else:
        data = str(chosen.data_dir.absolute())
    return "\n".join(
        [
            "",
            f"Parley {__version__} is ready.",
            "",
            f"  server  {url}",
            f"  docs    {url}/docs",
            f"  data    {data}",
            "  stop    Ctrl-C",
            "",
            "Next, in another terminal:",
            "",
            *(f"  {line}" for line in _next_commands(url, chosen, temporary=temporary)),
            "",
        ]
    )


def _next_commands(url: str, chosen: Settings, *, temporary: bool) -> list[str]:
    register = (
        f"curl {url}/v1/users -H 'Content-Type: application/json' "
        """-d '{"email":"me@example.com","password":"secure_password","username":"me"}'"""
    )
    if temporary:
        # Nobody else finds its database.
        return [register]
    parley = _own_command()
    if chosen.data_dir != Settings.model_fields["data_dir"].default:
        # The other terminal knows neither this one's options nor its variables, nor where it stands.
        parley = f"PARLEY_DATA_DIR={shlex.quote(str(chosen.data_dir.absolute()))} {parley}"
    return [f"{parley} demo", register, f"{parley} events"]


def _own_command() -> str:
    """Return how this very program is called from here."""
    program = Path(sys.argv[0])
    if program.name != "parley":
        return f"{os.path.relpath(sys.executable)} -m parley"
    found = shutil.which("parley")
    if found is not None and os.path.samefile(found, program):
        return "parley"
    return os.path.relpath(program)
