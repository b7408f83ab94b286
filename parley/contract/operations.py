"""An operation, compiled: everything the document says of it, made ready once when the server starts.

A request goes through it in this order: who calls, how often, is the body JSON, is all of it valid; then the
handler; then its reply. Where a rate limit depends on the body, the body comes before it.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from connexion.middleware.abstract import ROUTING_CONTEXT, RoutedAPI, RoutedMiddleware
from pydantic import TypeAdapter
from starlette.types import ASGIApp, Receive, Scope, Send

from parley import logs
from parley.contract.bodies import check_media_type, parse_json, read_body
from parley.contract.document import ContractError, DocumentedOperation, Handler, resolve
from parley.contract.errors import (
    MAX_PROBLEMS,
    ClientGone,
    InternalError,
    MethodNotAllowed,
    error_reply,
    invalid,
)
from parley.contract.exchange import Exchange
from parley.contract.limits import Count, RateLimits, Rule, read_rules
from parley.contract.observer import RequestObserver
from parley.contract.parameters import Parameter, QueryReader, make_parameter, take
from parley.contract.problems import Problem, problems_of
from parley.contract.replies import Reply
from parley.contract.request import begin_request
from parley.contract.routing import ALLOW, EXCHANGE
from parley.contract.schemas import Schemas
from parley.contract.security import Authenticator, bearer_token, needs_token
from parley.errors import Invalid, NotFound, ParleyError, RateLimited, Unauthorized, Unavailable
from parley.model import Caller

_log = logs.logger("contract")

_JSON = "application/json"
_REFUSED_TOKENS_BUCKET = "api"


class Body:
    """The body of one operation: validated by the compiled validator, then made a generated model."""

    def __init__(self, raw: Mapping[str, Any], compiler: "Compiler", name: str) -> None:
        content = raw["content"]
        if list(content) != [_JSON]:
            raise ContractError(f"{name} takes a body that is not JSON alone")
        schema = content[_JSON]["schema"]
        self.required: bool = raw.get("required", False)
        self._validator = compiler.schemas.validator(schema)
        self._kinds = tuple(_kinds_of_body(schema, compiler, name))

    def checked(self, value: Any) -> Any:
        """Return the model of a valid body. Raises Invalid with every problem of another.

        Of alternatives exactly one must fit. Asking each of them tells which, so that no model is tried in
        vain: pydantic's own choice among the four kinds of messages cost as much as everything else.
        """
        fitting = [model for is_valid, model in self._kinds if is_valid(value)]
        if len(fitting) == 1:
            return fitting[0](value)
        raise invalid(problems_of(self._validator, value, "body", MAX_PROBLEMS))


def _kinds_of_body(
    schema: Mapping[str, Any], compiler: "Compiler", name: str
) -> Iterator[tuple[Callable[[Any], bool], Callable[[Any], Any]]]:
    """Yield the check and the model of each alternative of a body; mostly there is one."""
    resolved = resolve(compiler.document, schema)
    if set(resolved) - {"description"} == {"oneOf"}:
        for alternative in resolved["oneOf"]:
            yield from _kinds_of_body(alternative, compiler, name)
        return
    model = getattr(compiler.models, schema.get("$ref", "").rpartition("/")[2], None)
    if model is None:
        raise ContractError(f"The body of {name} has no named schema with a model")
    yield compiler.schemas.validator(schema).is_valid, TypeAdapter(model).validator.validate_python


class Compiler:
    """What is needed to compile operations, and what all of them use when they run."""

    def __init__(
        self,
        document: Mapping[str, Any],
        functions: Mapping[str, Handler],
        models: ModuleType,
        authenticator: Authenticator,
        limits: RateLimits,
        observer: RequestObserver,
        max_body_bytes: int,
        session_of: Callable[[Any], str | None],
    ) -> None:
        self.document = document
        self.schemas = Schemas(document)
        self.functions = functions
        self.models = models
        self.authenticator = authenticator
        self.limits = limits
        self.observer = observer
        self.max_body_bytes = max_body_bytes
        self.session_of = session_of


_ABSENT: Any = object()


class CompiledOperation:
    """One operation as an ASGI application."""

    def __init__(self, compiler: Compiler, documented: DocumentedOperation) -> None:
        self.documented = documented
        self.operation_id = documented.operation_id
        self.route = documented.path
        self._shared = compiler
        self._handler = compiler.functions[documented.name]
        self._secured = needs_token(compiler.document, documented.raw, documented.name)
        # The widest first, and last the one whose headers are shown.
        self._rules = read_rules(documented.raw, compiler.limits.buckets, documented.name)[::-1]
        self._limited_by_body = any(rule.per in {"account", "session"} for rule in self._rules)
        parameters = _parameters(compiler, documented)
        self._path = tuple(parameter for parameter in parameters if parameter.location == "path")
        self._headers = tuple(
            (parameter.name.lower().encode(), parameter)
            for parameter in parameters
            if parameter.location == "header"
        )
        self._query = QueryReader([parameter for parameter in parameters if parameter.location == "query"])
        self._body: Body | None = None
        _check_signature(self._handler, documented.name, self._argument_names(documented.raw))
        if "requestBody" in documented.raw:
            raw = resolve(compiler.document, documented.raw["requestBody"])
            self._body = Body(raw, compiler, documented.name)

    def _argument_names(self, raw: Mapping[str, Any]) -> set[str]:
        of_headers = (parameter for _, parameter in self._headers)
        names = {parameter.argument for parameter in (*self._path, *of_headers, *self._query.parameters)}
        if self._secured:
            names.add("caller")
        if "requestBody" in raw:
            names.add("body")
        return names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        exchange: Exchange = scope.pop(EXCHANGE)
        try:
            try:
                reply = await self._reply(exchange)
            except ParleyError as error:
                reply = error_reply(error, credentials_given=b"authorization" in exchange.headers)
            await exchange.answer(reply, self.operation_id, self.route)
        except ClientGone:
            return
        except Exception as error:
            self._shared.observer.failed_unexpectedly()
            _log.error(
                "a request failed unexpectedly",
                operation=self.operation_id,
                request_id=exchange.request_id,
                exc_info=error,
            )
            await exchange.answer(error_reply(InternalError()), self.operation_id, self.route)

    async def _reply(self, exchange: Exchange) -> Reply:
        logs.begin_request(exchange.request_id)
        begin_request(exchange)
        if self._secured:
            exchange.caller = await self._authenticated(exchange)
        value = await self._counted(exchange)
        arguments = self._arguments(exchange, value)
        if self._secured:
            arguments["caller"] = exchange.caller
        reply: Reply = await self._handler(**arguments)
        return reply

    async def _authenticated(self, exchange: Exchange) -> Caller:
        """Find out who calls. Where that fails the request counts against its address: guessing has a price."""
        try:
            token = bearer_token(exchange.single(b"authorization"))
            return await self._shared.authenticator.authenticate(token)
        except (Unauthorized, Unavailable):
            limits = self._shared.limits
            bucket = limits.buckets.get(_REFUSED_TOKENS_BUCKET)
            if self._rules and bucket is not None:
                _show(exchange, await limits.hit(bucket, exchange.address_key()))
            raise

    async def _counted(self, exchange: Exchange) -> Any:
        """Count the request and read its body, in the order that the rate limit needs; return its JSON."""
        if not self._limited_by_body:
            await self._count(exchange, None)
            return None if self._body is None else await self._json(exchange)
        value = None
        try:
            value = await self._json(exchange)
        finally:
            # Broken bodies count as well, or guessing would be free for those.
            await self._count(exchange, value)
        return value

    async def _count(self, exchange: Exchange, value: Any) -> None:
        """Count against each rule, the widest first: where that refuses, no narrow counter is made."""
        limits = self._shared.limits
        count = None
        if not limits.enforced:
            if self._rules:
                exchange.limit_headers = limits.untouched_headers(
                    self._rules[-1].bucket, exchange.limit_lines
                )
            return
        for rule in self._rules:
            who = exchange.user_key() if rule.per == "user" else self._who(rule, exchange, value)
            count = await limits.hit(rule.bucket, who)
            if count.used > rule.bucket.limit:
                break
        if count is not None:
            _show(exchange, count)

    def _who(self, rule: Rule, exchange: Exchange, value: Any) -> str:
        """Return whose counter it is where that is not simply the caller's."""
        if rule.per == "account":
            email = value.get("email") if isinstance(value, dict) else None
            # An address that is too long is refused later; until then it must not fill the memory.
            account = email[:320].strip().lower() if isinstance(email, str) else ""
            return f"{exchange.address_key()}/account/{account}"
        if rule.per == "session":
            session = self._shared.session_of(value)
            if session is not None:
                return f"session/{session}"
        return exchange.address_key()

    async def _json(self, exchange: Exchange) -> Any:
        """Read the body as far as JSON; _ABSENT where there is none."""
        headers = exchange.headers
        length = headers.get(b"content-length")
        if (length is None and b"transfer-encoding" not in headers) or length == b"0":
            return _ABSENT
        check_media_type(exchange.single(b"content-type"))
        limit = self._shared.max_body_bytes
        raw = exchange.body_at_hand(limit)
        if raw is None:
            raw = await read_body(exchange.receive, limit, length)
        return parse_json(raw) if raw else _ABSENT

    def _arguments(self, exchange: Exchange, value: Any) -> dict[str, Any]:
        """Validate everything and make the handler's arguments. Raises Invalid with all problems."""
        arguments: dict[str, Any] = {}
        problems: list[Problem] = []
        if self._path:
            values = exchange.scope["path_params"]
            for parameter in self._path:
                take(parameter, (values[parameter.argument],), arguments, problems)
        for name, parameter in self._headers:
            take(parameter, exchange.lines(name), arguments, problems)
        self._query.read(exchange.scope["query_string"], arguments, problems)
        if self._body is not None:
            self._take_body(self._body, value, arguments, problems)
        if problems:
            raise invalid(problems)
        return arguments

    def _take_body(self, body: Body, value: Any, arguments: dict[str, Any], problems: list[Problem]) -> None:
        if value is _ABSENT:
            if body.required:
                problems.append(("body", "Is required"))
            arguments["body"] = None
            return
        try:
            arguments["body"] = body.checked(value)
        except Invalid as error:
            problems.extend((found["field"], found["reason"]) for found in error.details["errors"])


def _show(exchange: Exchange, count: Count) -> None:
    """Show a counter in the answer; raises RateLimited when this was one too many."""
    exchange.limit_headers = exchange.limit_lines(count)
    if count.refused:
        raise RateLimited(count.retry_after())


def _check_signature(handler: Handler, name: str, arguments: set[str]) -> None:
    """Raise ContractError unless the handler takes just what it will be given."""
    parameters = inspect.signature(handler).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    taken = {parameter.name for parameter in parameters if parameter.kind is not parameter.POSITIONAL_ONLY}
    if taken != arguments:
        raise ContractError(
            f"The function of {name} takes {sorted(taken)}, but the document gives {sorted(arguments)}"
        )


def _parameters(compiler: Compiler, documented: DocumentedOperation) -> list[Parameter]:
    """Make the readers; an operation's own parameter replaces the path's of the same name and place."""
    made: dict[tuple[str, str], Parameter] = {}
    for raw in (*documented.path_parameters, *documented.raw.get("parameters", ())):
        parameter = make_parameter(compiler.document, raw, compiler.schemas)
        made[parameter.name, parameter.location] = parameter
    return list(made.values())


class CompiledApi(RoutedAPI[ASGIApp]):  # type: ignore[misc]  # Connexion has no types
    """All compiled operations under one base path."""

    def __init__(self, *args: Any, compiled: Mapping[str, ASGIApp], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._compiled = compiled
        self.add_paths()

    def make_operation(self, operation: Any) -> ASGIApp:
        """Return the compiled operation: it is the same one under every base path."""
        return self._compiled[operation.operation_id]


class CompiledOperations(RoutedMiddleware[CompiledApi]):  # type: ignore[misc]  # Connexion has no types
    """The middleware that answers for every operation that routing found."""

    api_cls = CompiledApi

    def __init__(self, app: ASGIApp, *, compiled: Mapping[str, ASGIApp]) -> None:
        super().__init__(app)
        self._compiled = compiled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the operation. It is the same one whichever base it was found under, so its name is enough."""
        operation = None
        if scope["type"] == "http":
            operation = self._compiled.get(scope["extensions"][ROUTING_CONTEXT]["operation_id"])
        await (operation or self.app)(scope, receive, send)

    def add_api(self, specification: Any, **kwargs: Any) -> CompiledApi:
        """Add the operations under one more base path."""
        api: CompiledApi = super().add_api(specification, compiled=self._compiled, **kwargs)
        return api


class Unrouted:
    """The end of the line: answers where no operation was found."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer OPTIONS of a known path, 405 for its other methods, 404 for an unknown path."""
        if scope["type"] != "http":
            return
        exchange: Exchange = scope.pop(EXCHANGE)
        allow: str | None = scope.get(ALLOW)
        if allow is None:
            reply = error_reply(NotFound("path"))
        elif scope["method"] == "OPTIONS":
            reply = exchange.options_reply(allow)
        else:
            reply = error_reply(MethodNotAllowed(allow))
        await exchange.answer(reply, None, "unrouted")
