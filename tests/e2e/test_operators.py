"""What operators ask: is it alive, is it ready, what does it do?"""

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from servers import Server, StartServer

PERSON = {"email": "ada@example.com", "username": "ada", "password": "correct horse"}


def measured(server: Server) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return all samples by name and labels."""
    samples: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(httpx.get(f"{server.url}/metrics").text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return samples


def send_something(server: Server) -> None:
    """Let a user make a group and write to it."""
    httpx.post(f"{server.url}/v1/users", json=PERSON)
    credentials = {"email": PERSON["email"], "password": PERSON["password"]}
    token = httpx.post(f"{server.url}/v1/auth/login", json=credentials).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    group = httpx.post(f"{server.url}/v1/groups", json={"name": "Us", "members": []}, headers=headers).json()
    said = {"conversation_id": group["id"], "content": "Hello"}
    assert httpx.post(f"{server.url}/v1/messages", json=said, headers=headers).status_code == 201


def test_metrics_count_what_happened(start_server: StartServer) -> None:
    """Requests by operation and status, how long they took, the log, its batches and the pool."""
    server = start_server()
    send_something(server)
    httpx.get(f"{server.url}/v1/me")
    httpx.get(f"{server.url}/v1/nothing/here")
    samples = measured(server)
    answers = samples["parley_requests_total"]
    assert answers[("operation", "send_message"), ("status", "201")] == 1
    assert answers[("operation", "get_me"), ("status", "401")] == 1
    assert samples["parley_request_seconds_count"][("operation", "send_message"),] == 1
    assert samples["parley_log_batch_events_count"][()] == 1
    assert samples["parley_log_position"][()] >= 2
    assert samples["parley_send_queue"][()] == 0
    assert samples["parley_database_connections_max"][()] == 10
    assert samples["parley_unexpected_errors_total"][()] == 0
    assert "nothing" not in str(samples), "a made-up path must not make a name"


def test_metrics_are_for_those_who_are_told(start_server: StartServer) -> None:
    """Others find nothing there, and a proxy on this machine makes nobody local."""
    server = start_server()
    forwarded = httpx.get(f"{server.url}/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert (forwarded.status_code, forwarded.json()["error"]["code"]) == (404, "not_found")
    closed = start_server(env={"PARLEY_METRICS_ALLOW": "203.0.113.0/24"})
    assert httpx.get(f"{closed.url}/metrics").status_code == 404


def _postgres(server: Server) -> set[psutil.Process]:
    children = psutil.Process(server.process.pid).children(recursive=True)
    return {child for child in children if child.name() == "postgres"}


def test_readiness_asks_the_database(start_server: StartServer) -> None:
    """While the database is away /readyz says 503 and why; /healthz says that the process lives."""
    server = start_server()
    # Frozen and not killed, because a killed one is back before anybody can ask. Until nothing new is found: the
    # server may have been connecting.
    postgres: set[psutil.Process] = set()
    while new := _postgres(server) - postgres:
        for process in new:
            process.suspend()
        postgres |= new
    try:
        ready = httpx.get(f"{server.url}/readyz", timeout=10)
        alive = httpx.get(f"{server.url}/healthz")
    finally:
        for process in postgres:
            process.resume()
    assert (ready.status_code, ready.json()["reason"]) == (503, "The database does not answer.")
    assert ready.headers["retry-after"] == "1"
    assert alive.status_code == 200
    server.wait_until_ready()


def test_the_path_of_sockets_tells_what_it_is(start_server: StartServer) -> None:
    """Whoever asks without a handshake, or with one of an old HTTP, gets to know what is missing."""
    url = f"{start_server().url}/ws"
    answer = httpx.get(url, params={"token": "secret"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (426, "upgrade_required")
    assert (answer.headers["upgrade"], answer.headers["sec-websocket-version"]) == ("websocket", "13")
    assert "upgrade" in answer.headers["connection"].lower()
    refused = httpx.post(url, json={})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
