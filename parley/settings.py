"""What can be set, by `PARLEY_*` variables: each with a default that works, bounds, and a sentence of help.

`load()` reads them all and reports every mistake at once. `docs/settings.md` is printed from this module.
"""

import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "PARLEY_"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_RATE = re.compile(r"([1-9][0-9]{0,8})\s*/\s*(?:([1-9][0-9]{0,4})\s*)?(second|minute|hour|day)s?")
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ORIGIN = re.compile(r"\*|https?://[^/?#\s]+")
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
# RFC 7518, section 3.2: a key of HS256 is at least as long as the hash.
_MINIMUM_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Rate:
    """`limit` requests per `window_seconds`."""

    limit: int
    window_seconds: int

    def __str__(self) -> str:
        for name, seconds in reversed(_SECONDS.items()):
            if self.window_seconds % seconds == 0:
                count = self.window_seconds // seconds
                return f"{self.limit}/{name}" if count == 1 else f"{self.limit}/{count} {name}s"
        raise AssertionError("every window is a whole number of seconds")


@dataclass(frozen=True, slots=True)
class JwtKey:
    """A key that signs and checks tokens; `kid` names it in a token's header."""

    kid: str
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class PortRange:
    """The ports from `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


class SettingsError(Exception):
    """One or more variables make no sense. `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _parts(value: Any) -> Any:
    """Split a comma-separated value; what is no string is left for pydantic to judge."""
    if isinstance(value, str):
        return tuple(part for part in (raw.strip() for raw in value.split(",")) if part)
    return value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _rate(value: Any) -> Any:
    if value is None or isinstance(value, Rate):
        return value
    # What is JSON, a bare number for instance, comes as a value and not as it was written.
    match = _RATE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be like "5/minute" or "100/15 minutes"')
    limit, count, unit = match.groups()
    return Rate(int(limit), int(count or 1) * _SECONDS[unit])


def _jwt_keys(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(_jwt_key(part, number) for number, part in enumerate(_parts(value), start=1))
    return value


def _jwt_key(pair: str, number: int) -> JwtKey:
    """Read `kid:secret`. A mistake is told by the pair's number, since the pair is secret."""
    kid, separator, secret = pair.partition(":")
    if not separator or _KEY_ID.fullmatch(kid) is None:
        raise ValueError(f"must be pairs kid:secret, separated by commas; pair {number} is not")
    if len(secret.encode()) < _MINIMUM_SECRET_BYTES:
        raise ValueError(
            f"needs at least {_MINIMUM_SECRET_BYTES} bytes in each secret; pair {number} has fewer"
        )
    return JwtKey(kid, SecretStr(secret))


def _distinct_kids(keys: tuple[JwtKey, ...]) -> tuple[JwtKey, ...]:
    if len({key.kid for key in keys}) != len(keys):
        raise ValueError("names a kid twice")
    return keys


def _postgres_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("must begin with postgresql://")
    return value


def _origin(value: str) -> str:
    if _ORIGIN.fullmatch(value) is None:
        raise ValueError("must be origins such as https://chat.example.com, or *")
    return value


def _networks(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ipaddress.ip_network(part) for part in _parts(value))
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.0/8, separated by commas") from None


def _ports(value: Any) -> Any:
    return tuple(_port_range(part) for part in _parts(value)) if isinstance(value, str) else value


def _port_range(text: str) -> PortRange:
    match = _PORTS.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= 65_535:
        raise ValueError("must be ports or ranges of them such as 443,8000-8999, separated by commas")
    return PortRange(first, last)


def _joined(values: tuple[object, ...]) -> str:
    return ",".join(str(value) for value in values)


def _masked_keys(keys: tuple[JwtKey, ...]) -> str:
    return ",".join(f"{key.kid}:**********" for key in keys)


# NoDecode: a list is written with commas, as operators write it, and not as JSON.
Networks = Annotated[
    tuple[Network, ...], NoDecode, BeforeValidator(_networks), PlainSerializer(_joined, return_type=str)
]
Ports = Annotated[
    tuple[PortRange, ...], NoDecode, BeforeValidator(_ports), PlainSerializer(_joined, return_type=str)
]
Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_origin)], ...],
    NoDecode,
    BeforeValidator(_parts),
    PlainSerializer(_joined, return_type=str),
]
JwtKeys = Annotated[
    tuple[JwtKey, ...],
    NoDecode,
    BeforeValidator(_jwt_keys),
    AfterValidator(_distinct_kids),
    PlainSerializer(_masked_keys, return_type=str),
]
OptionalRate = Annotated[
    Rate | None, BeforeValidator(_rate), PlainSerializer(lambda rate: str(rate or ""), return_type=str)
]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
LogFormat = Annotated[Literal["console", "json"], BeforeValidator(_lower)]
OnOff = Annotated[bool, PlainSerializer(lambda value: "on" if value else "off", return_type=str)]


class Settings(BaseSettings):
    """Everything an operator can decide. The name of a variable is `PARLEY_` and the field in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    # ---- where it listens, where it keeps things
    host: str = Field(
        "127.0.0.1", min_length=1, description="The address to listen on; 0.0.0.0 is all of them."
    )
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0 takes any free one.")
    data_dir: Path = Field(
        Path(".parley"),
        description="Where the embedded database and the keys lie; made when it is not there.",
    )
    database_url: Annotated[SecretStr, AfterValidator(_postgres_url)] | None = Field(
        None,
        description="A PostgreSQL (17 or later) to use instead of the embedded one: postgresql://user:password@host/name.",
    )
    database_pool_size: int = Field(
        10,
        ge=3,
        le=60,
        description="How many connections to the database a process opens at most for questions. It opens up to a "
        "third as many (at least 2) for the log, and one that listens: 14 with the default, 81 with the most.",
    )
    drain_seconds: int = Field(
        0,
        ge=0,
        le=600,
        description="How long after SIGTERM the server goes on serving while /readyz says 503, so that a load "
        "balancer stops sending.",
    )
    shutdown_grace_seconds: int = Field(
        10,
        ge=0,
        le=600,
        description="How long requests that are running may take to finish then, before they are cut off.",
    )

    # ---- accounts
    jwt_keys: JwtKeys = Field(
        (),
        description="Keys of the tokens as kid:secret pairs, separated by commas; the first signs, all are "
        "accepted. Without any, one is made and kept in the data directory.",
    )
    access_token_seconds: int = Field(
        3600, ge=10, le=86_400, description="How long an access token is valid."
    )
    refresh_token_days: int = Field(
        30, ge=1, le=365, description="How long a session lives without being used."
    )
    password_hashing_concurrency: int = Field(
        2,
        ge=1,
        le=64,
        description="How many passwords are hashed at the same time; each keeps a core busy.",
    )
    password_queue_size: int = Field(
        64,
        ge=1,
        le=10_000,
        description="How many passwords may wait to be hashed; beyond that the answer is 503.",
    )

    # ---- limits
    rate_limits: OnOff = Field(True, description="Whether rate limits are enforced: on or off.")
    rate_limit_auth: OptionalRate = Field(
        None,
        description='Log-ins per account and address, such as "5/minute"; the contract\'s number if not set.',
    )
    rate_limit_auth_address: OptionalRate = Field(
        None, description="Log-ins per address over all accounts; the contract's number if not set."
    )
    rate_limit_api: OptionalRate = Field(
        None, description="Requests per user; the contract's number if not set."
    )
    rate_limit_ws: OptionalRate = Field(
        None, description="WebSocket connections per user; the contract's number if not set."
    )
    rate_limit_handshakes: OptionalRate = Field(
        None,
        description="WebSocket handshakes per address, whoever it is: many people may come back through one proxy; "
        "the contract's number if not set.",
    )
    rate_limit_webhooks: OptionalRate = Field(
        None, description="Tests and repeated deliveries per user; the contract's number if not set."
    )
    max_body_bytes: int = Field(
        1_048_576,
        ge=1024,
        le=67_108_864,
        description="The largest request body that is read; a larger one gets 413.",
    )
    group_max_members: int = Field(1000, ge=2, le=100_000, description="How many members a group can have.")
    sockets_per_user: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="How many sockets a user can have open in one process; the contract's number if not set.",
    )
    webhooks_per_user: int = Field(10, ge=1, le=1000, description="How many webhooks a user can have.")
    send_queue_size: int = Field(
        5000,
        ge=1,
        le=1_000_000,
        description="How many sends may wait for the database; beyond that the answer is 503.",
    )
    event_retention_days: int = Field(
        7,
        ge=1,
        le=3650,
        description="How long the log keeps events for those who come back with a cursor. What a webhook has still to "
        "be told of is kept for three days more at most.",
    )

    # ---- the network around it
    cors_origins: Origins = Field(
        (),
        description="Origins whose pages may call the API, separated by commas, or * for all; localhost if not set. "
        "The server's own, which is what the Host header says, may always.",
    )
    trusted_proxies: Networks = Field(
        (),
        description="Addresses or networks of the proxies whose X-Forwarded-For is believed, "
        "separated by commas.",
    )
    metrics_allow: Networks = Field(
        (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")),
        description="Addresses or networks that may read /metrics, separated by commas.",
    )

    socket_compression: OnOff = Field(
        False,
        description="Whether sockets offer permessage-deflate: on or off. It saves bandwidth and costs processor time.",
    )

    # ---- webhooks
    webhook_allow_networks: Networks = Field(
        (),
        description="Addresses or networks that webhooks may reach although they are private or otherwise special, "
        "separated by commas.",
    )
    webhook_https_only: OnOff = Field(
        False, description="Whether webhooks are sent to https:// only: on or off."
    )
    webhook_ports: Ports = Field(
        (PortRange(80, 80), PortRange(443, 443), PortRange(1024, 65_535)),
        min_length=1,
        description="The ports that webhooks may be sent to, such as 443,8000-8999.",
    )
    webhook_concurrency: int = Field(
        200,
        ge=0,
        le=10_000,
        description="How many requests to webhooks a process has under way at most; with 0 it leaves them to others.",
    )
    webhook_concurrency_per_endpoint: int = Field(
        20, ge=1, le=1000, description="How many of them may be to the same webhook."
    )
    webhook_rate: int = Field(
        0,
        ge=0,
        le=10_000,
        description="How many deliveries a second a process sends to the same webhook at most; with 0 as many as it "
        "takes.",
    )

    # ---- logs
    log_level: LogLevel = Field(
        "info", description="The least important records that are logged: debug, info, warning or error."
    )
    log_format: LogFormat = Field(
        "console", description="How a record looks: console for people, json for machines."
    )
    log_requests: OnOff = Field(
        True, description="Whether each request is logged in a line, which is an info: on or off."
    )

    # ---- tests
    check_answers: Path | None = Field(
        None,
        description="For tests: check each answer against the contract and append what was found to "
        "this file. Slow.",
    )

    @property
    def logs_requests(self) -> bool:
        """Whether each request gets a line, which is an info."""
        return self.log_requests and self.log_level in ("debug", "info")

    def url(self, port: int) -> str:
        """Return the address of a server that listens on `port`, as somebody on this machine would write it."""
        every_address = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not listened on
        host = every_address.get(self.host, self.host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read options and the environment, and nothing else: no file is read unasked."""
        return init_settings, env_settings


def load(**options: Any) -> Settings:
    """Read the environment; `options` (from the command line) win, None means not given.

    Raises SettingsError with a sentence for each variable that is wrong or unknown.
    """
    given = {name: value for name, value in options.items() if value is not None}
    problems = list(_unknown_variables(os.environ))
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems += _sentences(error)
    else:
        if not problems:
            return settings
    raise SettingsError(problems)


def variable(field: str) -> str:
    """Return the name of the variable that sets `field`."""
    return PREFIX + field.upper()


def shown(settings: Settings) -> Iterator[tuple[str, str, bool]]:
    """Yield each variable, its value with secrets masked, and whether somebody set it."""
    values = settings.model_dump(mode="json")
    for field in Settings.model_fields:
        value = values[field]
        yield variable(field), "" if value is None else str(value), field in settings.model_fields_set


def described() -> Iterator[tuple[str, str, str]]:
    """Yield each variable, its default as one would write it, and its sentence of help with the bounds."""
    defaults = Settings.model_construct().model_dump(mode="json")
    for field, info in Settings.model_fields.items():
        default = defaults[field]
        yield variable(field), "" if default is None else str(default), f"{info.description}{_bounds(info)}"


def markdown() -> str:
    """Return the page `docs/settings.md`."""
    rows = [
        f"| `{name}` | {f'`{default}`' if default else ''} | {sentence} |"
        for name, default, sentence in described()
    ]
    return "\n".join([*_PAGE_HEAD, *rows, ""])


_PAGE_HEAD = [
    "<!-- Printed by `parley settings --markdown` from parley/settings.py; do not edit. -->",
    "# Settings",
    "",
    "Every setting is an environment variable. None has to be set: the defaults make a server that works",
    "on this machine. An empty variable is as good as none. A value that makes no sense, or a `PARLEY_`",
    "variable that is not in this table, stops the start with a sentence that names it; all mistakes are",
    "told at once. `parley settings` shows what is in force, with secrets masked.",
    "",
    "| variable | default | what it does |",
    "|---|---|---|",
]


def _bounds(info: FieldInfo) -> str:
    low = next((item.ge for item in info.metadata if hasattr(item, "ge")), None)
    high = next((item.le for item in info.metadata if hasattr(item, "le")), None)
    return "" if low is None or high is None else f" From {low} to {high}."


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """A misspelt variable would be ignored in silence, and its default be in force."""
    known = {variable(field) for field in Settings.model_fields}
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            yield f"{name} is not a setting of Parley; `parley settings` lists them."


def _sentences(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False):
        field = str(problem["loc"][0])
        reason = _reason(problem["type"], problem["msg"])
        yield f"{variable(field)} {reason}{_input(field, problem['input'])}."


def _reason(kind: str, message: str) -> str:
    """Turn pydantic's message into the rest of a sentence whose subject is the variable."""
    if kind.startswith("bool"):
        return "must be on or off"
    if kind.startswith("int"):
        return "must be a whole number"
    message = message.removeprefix("Value error, ").replace("Input should be ", "must be ")
    return message[:1].lower() + message[1:]


def _input(field: str, value: object) -> str:
    """Show what was written, but for settings that hold secrets."""
    if field in {"jwt_keys", "database_url"} or not isinstance(value, str | int | float):
        return ""
    return f' (it is "{value}")'
