"""One suite for all SDKs: `pytest sdks/conformance --sdk go` runs it for one of them, without --sdk for all."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import commands
import people
import servers
from clients import RETRY, logged_in
from commands import Sdk
from drivers import Driver
from people import Person
from proxy import Proxy, proxy_to
from servers import Server
from stub import Stub, stub_server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--sdk", action="append", choices=sorted(commands.ALL), help="test this SDK only; may be repeated"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sdk" in metafunc.fixturenames:
        names = metafunc.config.getoption("--sdk") or list(commands.ALL)
        metafunc.parametrize(
            "sdk", [commands.ALL[name] for name in names], ids=names, scope="session", indirect=True
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not meant for an SDK."""
    left_out = [item for item in items if isinstance(item, pytest.Function) and not _is_meant(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _is_meant(item: pytest.Function) -> bool:
    sdk = item.callspec.params.get("sdk") if hasattr(item, "callspec") else None
    scenarios = sdk.scenarios if isinstance(sdk, Sdk) else ()
    return not scenarios or item.path.stem in scenarios


@pytest.fixture(scope="session")
def sdk(request: pytest.FixtureRequest) -> Sdk:
    """Return an SDK whose driver is built."""
    sdk: Sdk = request.param
    sdk.build()
    return sdk


@pytest.fixture
def driver(sdk: Sdk, tmp_path: Path) -> Iterator[Driver]:
    """Return a driver without clients; it has to end by itself."""
    driver = Driver(sdk.command(), tmp_path)
    yield driver
    driver.stop()


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Return a server that answers what the test tells it."""
    with stub_server() as stub:
        yield stub


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """Return a proxy in front of the server of the session."""
    with proxy_to(server.url) as proxy:
        yield proxy


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    """Return a client of the server of the session, around the proxy."""
    with people.client(server.url) as http:
        yield http


@pytest.fixture
def ada(http: httpx.Client) -> Person:
    """The user of the SDK."""
    return people.register(http, "ada")


@pytest.fixture
def bob(http: httpx.Client) -> Person:
    """Somebody who writes to Ada, around the SDK and the proxy."""
    return people.register(http, "bob")


@pytest.fixture
def client(driver: Driver, proxy: Proxy, ada: Person) -> str:
    """Return the name of a client of the SDK that is logged in as Ada, through the proxy."""
    return logged_in(driver, proxy.url, ada)


@pytest.fixture
def stubbed(driver: Driver, stub: Stub) -> str:
    """Return the name of a client of the SDK that is logged in at the stub."""
    driver.do("client", name="stubbed", base_url=stub.url, timeout=5, retry=RETRY)
    driver.do("login", client="stubbed", email="ada@example.com", password="secure_password")
    return "stubbed"


@pytest.fixture(scope="session")
def short_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return another server, with a log of its own, whose access tokens live as short as is allowed."""
    variables = {"PARLEY_ACCESS_TOKEN_SECONDS": "10"}
    started = servers.start(tmp_path_factory.mktemp("short_lived"), "short_lived", env=variables)
    yield started
    servers.finish(started)
