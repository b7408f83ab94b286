"""What the contract's edge costs: operations that do nothing, validated by us and by stock Connexion.

    python bench/noop.py [--seconds 2] [--rounds 5]

Needs `wrk`. Both servers get the whole document and handlers that answer at once; the tables say how the first
operation of the document, the last one, and the sending of a message fare, as a ratio to a bare echo and to
stock in the same round, because machines differ and drift. What counts is the best round of each: what else the
machine does can only slow one down. Exits with 1 when we are not SEVEN times stock.
"""

import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

ROOT = Path(__file__).parent.parent
SEVEN = 7.0
CONNECTIONS = 64
ID = "019d0a7b-8991-7ce9-9b84-d1e0b4cfd9ec"
# As long as a real one.
TOKEN = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0." + "a" * 200 + "." + "b" * 43
CALLER_ID = UUID(int=1)


def main() -> int:
    """Measure, print, and say whether it is enough."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", choices=["ours", "stock"], help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve is not None:
        {"ours": serve_ours, "stock": serve_stock}[chosen.serve](chosen.port)
        return 0
    return compare(chosen.seconds, chosen.rounds)


def compare(seconds: int, rounds: int) -> int:
    """Load all servers with each operation in turn."""
    operations = {"first": first_and_last()[0], "send_message": send_message(), "last": first_and_last()[1]}
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in operations}
    with (
        running("echo.py") as echo,
        running("noop.py", "--serve", "ours") as ours,
        running("noop.py", "--serve", "stock") as stock,
    ):
        for _ in range(rounds):
            base = load(echo, operations["send_message"], seconds)
            print(f"echo {base:10.0f}/s")
            for name, operation in operations.items():
                our_rate, stock_rate = load(ours, operation, seconds), load(stock, operation, seconds)
                rates[name].append((our_rate, stock_rate))
                print(
                    f"  {name:13} {operation['method']:5}{operation['path']:16}"
                    f" ours {our_rate:8.0f}/s ({our_rate / base:.3f} of the echo)"
                    f"   stock {stock_rate:8.0f}/s   {our_rate / stock_rate:5.1f} times stock"
                )
    enough = True
    for name, measured in rates.items():
        ratio = max(ours for ours, _ in measured) / max(stock for _, stock in measured)
        print(f"best to best: {name:13} {ratio:5.1f} times stock")
        enough = enough and ratio >= SEVEN
    return 0 if enough else 1


# ---- the operations


def document() -> dict[str, Any]:
    """Read the contract."""
    found: dict[str, Any] = json.loads((ROOT / "generated" / "openapi.json").read_bytes())
    return found


def first_and_last() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the first operation of the document's first path, and the last one of its last."""
    paths = list(document()["paths"].items())
    (first_path, first_item), (last_path, last_item) = paths[0], paths[-1]
    return request_of(first_path, next(iter(first_item))), request_of(last_path, list(last_item)[-1])


def send_message() -> dict[str, Any]:
    """Return the operation that people use most."""
    return request_of("/messages", "post")


def request_of(path: str, method: str) -> dict[str, Any]:
    """Make a valid request out of an operation's own example."""
    operation = document()["paths"][path][method]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = list(content.get("examples", {}).values())
    body = json.dumps(examples[0]["value"]) if examples else ""
    return {"method": method.upper(), "path": re.sub(r"\{\w+\}", ID, path), "body": body}


# ---- the servers


def serve_ours(port: int) -> None:
    """Serve the document with our edge, under both of its bases."""
    sys.path.insert(0, str(ROOT))
    from generated import models
    from parley.app import Observer
    from parley.cli.serving import spare_the_collector
    from parley.contract import Reply
    from parley.contract.document import operations_of
    from parley.contract.options import ContractOptions
    from parley.contract.stack import contract_app
    from parley.model import Caller
    from parley.server import ServerOptions, make_server, run

    reply = Reply(200, {"ok": True})
    caller = Caller(CALLER_ID, CALLER_ID)

    class Everybody:
        async def authenticate(self, token: str) -> Caller:
            return caller

    async def nothing(**_: Any) -> Reply:
        return reply

    contract = document()
    modules: dict[str, Any] = {}
    for operation in operations_of(contract):
        setattr(modules.setdefault(operation.tag, SimpleNamespace()), operation.operation_id, nothing)
    # Stock has no rate limits, so ours are switched off; their headers stay.
    options = ContractOptions(enforce_rate_limits=False)
    app = contract_app(contract, modules, models, Everybody(), options, Observer())
    # As `parley serve` does when it has started.
    spare_the_collector()
    run(make_server(app, ServerOptions(port=port)).serve())


def serve_stock(port: int) -> None:
    """Serve the document with Connexion as it comes, on the same uvicorn."""
    import uvicorn
    from connexion import AsyncApp
    from connexion.resolver import Resolver

    async def nothing(**_: Any) -> tuple[dict[str, bool], int]:
        return {"ok": True}, 200

    # Connexion finds this one by its name, in this module.
    contract = document()
    for scheme in contract["components"]["securitySchemes"].values():
        scheme["x-bearerInfoFunc"] = f"{__name__}.anybody"
    app = AsyncApp(__name__)
    for base_path in ("/v1", "/api"):
        app.add_api(
            contract,
            base_path=base_path,
            resolver=Resolver(lambda name: nothing),
            strict_validation=True,
            pythonic_params=True,
        )
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", lifespan="on", access_log=False)


def anybody(token: str) -> Mapping[str, str]:
    """Take any token, as our server does here."""
    return {"sub": token}


# ---- the load


@contextmanager
def running(script: str, *arguments: str) -> Iterator[str]:
    """Run a server of this directory until it listens, and end it afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = ["--port", str(port)] if arguments else [str(port)]
    process = subprocess.Popen(
        [sys.executable, ROOT / "bench" / script, *arguments, *where], stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                continue
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def load(server: str, operation: Mapping[str, Any], seconds: int) -> float:
    """Return how many requests a second were answered, and that with 200, over 64 connections."""
    script = (
        f"wrk.method = {json.dumps(operation['method'])}\n"
        f"wrk.body = [[{operation['body']}]]\n"
        'wrk.headers["Content-Type"] = "application/json"\n'
        f'wrk.headers["Authorization"] = "Bearer {TOKEN}"\n'
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        url = f"{server}/v1{operation['path']}"
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", file.name, url]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if rate is None or "Non-2xx" in output:
        raise SystemExit(f"{url} did not answer as it should:\n{output}")
    return float(rate[1])


if __name__ == "__main__":
    raise SystemExit(main())
