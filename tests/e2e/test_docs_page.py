"""The docs page in a real browser: it shows the contract, and asks nobody but its own server."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from browser import Tab, tab
from servers import Server

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = json.loads((ROOT / "generated/openapi.json").read_text())
SOCKET = json.loads((ROOT / "generated/asyncapi.json").read_text())
V2 = json.loads((ROOT / "generated/openapi-v2.json").read_text())
SUMMARIES = [
    operation["summary"]
    for item in CONTRACT["paths"].values()
    for method, operation in item.items()
    if method in {"get", "post", "put", "patch", "delete"}
]


@pytest.fixture(scope="module")
def page(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """Return the docs page, opened and shown."""
    with tab(tmp_path_factory.mktemp("browser")) as opened:
        opened.call("Page.navigate", url=f"{server.url}/docs")
        opened.until(lambda: SUMMARIES[0] in _everything(opened))
        yield opened


_SWITCH = "document.querySelector('.document-selector button')"


def _everything(opened: Tab) -> str:
    """Return all text of the page, its table of contents included."""
    return str(opened.evaluate("document.body ? document.body.innerText : ''"))


def test_the_page_shows_every_operation(page: Tab) -> None:
    """Whoever opens it finds each operation by its summary."""
    # The table of contents is folded; what a click opens stays open.
    page.evaluate(
        "[...document.querySelectorAll('button[aria-expanded=false]')]"
        ".filter(button => button.textContent.startsWith('Open Group')).forEach(button => button.click())"
    )
    page.until(lambda: all(summary in _everything(page) for summary in SUMMARIES))
    assert CONTRACT["info"]["title"] in _everything(page)


def test_the_page_shows_the_socket(page: Tab, server: Server) -> None:
    """Beside REST: each operation, each message, and the close codes, which tell whether to come back."""
    page.call("Page.navigate", url=f"{server.url}/docs?api=socket")
    page.until(lambda: SOCKET["info"]["title"] in _everything(page))
    wanted = [operation["summary"] for operation in SOCKET["operations"].values()]
    wanted += [message["title"] for message in SOCKET["components"]["messages"].values()]
    wanted += [code["meaning"] for code in SOCKET["x-close-codes"]]
    # What is far below, the channel of webhooks, is made when somebody comes near.
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.until(lambda: all(text in _everything(page) for text in wanted))


def test_the_page_has_a_switch(page: Tab, server: Server) -> None:
    """All documents are a click away, and the choice stands in the address, so that it can be passed on."""
    page.call("Page.navigate", url=f"{server.url}/docs")
    page.until(lambda: "REST, v1" in _everything(page))
    page.evaluate(f"{_SWITCH}.click()")
    page.until(lambda: all(title in _everything(page) for title in ("REST, v2 (beta)", "The socket")))
    page.evaluate(
        "[...document.querySelectorAll('[role=option]')]"
        ".find(option => option.textContent.includes('v2')).click()"
    )
    page.until(lambda: f"v{V2['info']['version']}" in _everything(page))
    assert "This version is a beta" in _everything(page)
    page.until(lambda: page.evaluate("location.hash") == "#v2")


def test_the_page_asks_no_other_host(page: Tab, server: Server) -> None:
    """No fonts, no telemetry, no proxy: whatever it asked for, it asked its own server."""
    asked = [params["request"]["url"] for params in page.params_of("Network.requestWillBeSent")]
    hosts = {urlsplit(url).netloc for url in asked if urlsplit(url).scheme not in {"data", "blob"}}
    assert hosts == {urlsplit(server.url).netloc}
    assert {f"{server.url}/openapi.json", f"{server.url}/v2/openapi.json"} <= set(asked)
    sockets = [params["url"] for params in page.params_of("Network.webSocketCreated")]
    assert sockets == []


def test_the_page_needs_no_exception_from_its_policy(page: Tab) -> None:
    """The browser blocks nothing that the page wants, so what is shown is whole, and nothing failed."""
    complaints = [params["entry"]["text"] for params in page.params_of("Log.entryAdded")]
    assert complaints == []
    assert page.params_of("Runtime.exceptionThrown") == []
    failed = [params["errorText"] for params in page.params_of("Network.loadingFailed")]
    assert failed == []


def test_the_page_can_be_seen(page: Tab, tmp_path: Path) -> None:
    """There is a picture to look at: many colours, so not an empty page."""
    picture = tmp_path / "docs.png"
    page.screenshot(picture)
    assert picture.stat().st_size > 30_000
    assert page.evaluate("document.getElementById('contract').getBoundingClientRect().height") > 1000


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_is_guarded(server: Server, path: str) -> None:
    """Scripts come from the server itself only, nobody frames the page, and no type is guessed."""
    answer = httpx.get(server.url + path)
    policy = answer.headers["content-security-policy"]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "<script>" not in answer.text


@pytest.mark.parametrize("path", ["/docs/from-v1-to-v2", "/errors", "/errors/precondition_failed"])
def test_pages_to_read_fit(page: Tab, server: Server, path: str) -> None:
    """On a telephone as on a desk, by day and by night; nothing that they want is blocked."""
    seen = len(page.events)
    colours = set()
    for scheme in ("light", "dark"):
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for width in (360, 1280):
            page.call(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=900,
                deviceScaleFactor=1,
                mobile=False,
            )
            page.call("Page.navigate", url=server.url + path)
            page.until(lambda: bool(page.evaluate(_LOADED.format(path=path))))
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, scheme, width)
            colours.add((scheme, page.evaluate("getComputedStyle(document.body).backgroundColor")))
    page.call("Emulation.clearDeviceMetricsOverride")
    assert len({colour for _, colour in colours}) == len(colours) == 2
    new = page.events[seen:]
    assert [name for name, _ in new if name in {"Log.entryAdded", "Network.loadingFailed"}] == []
    assert {name for name, _ in new} & {"Runtime.exceptionThrown"} == set()


# The style has come when the width of the text is bounded.
_LOADED = (
    "location.pathname == '{path}' && document.readyState == 'complete'"
    " && getComputedStyle(document.querySelector('main')).maxWidth != 'none'"
)


@pytest.mark.parametrize(
    ("name", "document"), [("openapi", CONTRACT), ("asyncapi", SOCKET), ("v2/openapi", V2)]
)
def test_the_contract_is_served_in_both_forms(server: Server, name: str, document: dict[str, Any]) -> None:
    """JSON and YAML say the same, and are what everything is generated from."""
    as_json = httpx.get(f"{server.url}/{name}.json", headers={"Origin": "https://elsewhere.example"})
    as_yaml = httpx.get(f"{server.url}/{name}.yaml")
    assert as_json.json() == document == yaml.safe_load(as_yaml.text)
    assert as_json.headers["access-control-allow-origin"] == "*"
    assert as_json.headers["content-type"] == "application/json"
    assert as_yaml.headers["content-type"] == "application/yaml"


def test_assets_are_compressed_for_who_can_read_it(server: Server) -> None:
    """Four megabytes of viewer travel as one; others get them as they are."""
    url = f"{server.url}/docs/scalar.js"
    with httpx.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
    plain = httpx.get(url, headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed) == plain.content == (ROOT / "parley/pages/assets/scalar.js").read_bytes()


def test_who_has_an_asset_does_not_get_it_again(server: Server) -> None:
    """A browser that asks whether its copy is still good is told so in a few bytes."""
    url = f"{server.url}/docs/scalar.js"
    tag = httpx.head(url).headers["etag"]
    again = httpx.get(url, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert httpx.get(url, headers={"If-None-Match": '"another"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/readyz",
        "/metrics",
        "/docs",
        "/openapi.json",
        "/asyncapi.json",
        "/v2/openapi.json",
        "/docs/start.js",
        "/docs/from-v1-to-v2",
        "/errors/gone",
    ],
)
def test_pages_can_only_be_read(server: Server, path: str) -> None:
    """HEAD answers as GET without the body; other methods get the envelope and a true Allow."""
    read = httpx.get(server.url + path, headers={"Accept-Encoding": "identity"})
    head = httpx.head(server.url + path, headers={"Accept-Encoding": "identity"})
    assert (read.status_code, head.status_code, head.content) == (200, 200, b"")
    if path != "/metrics":
        assert head.headers["content-length"] == read.headers["content-length"]
    posted = httpx.post(server.url + path)
    assert posted.status_code == 405
    assert posted.headers["allow"] == "GET, HEAD"
    assert posted.json()["error"]["code"] == "method_not_allowed"
    assert posted.headers["x-request-id"]


def test_type_of_a_problem_resolves(server: Server) -> None:
    """What an error of v2 names is a page of the very server that said it."""
    problem = httpx.get(f"{server.url}/v2/nothing").json()
    page = httpx.get(str(httpx.URL(server.url).join(problem["type"])))
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert problem["title"] in page.text
    unknown = httpx.get(f"{server.url}/errors/nothing")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "text/html; charset=utf-8")
