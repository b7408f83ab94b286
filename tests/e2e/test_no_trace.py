"""What was deleted, and what was refused, is in no log and in no table."""

import asyncio
import subprocess
from pathlib import Path

import httpx

from parley.storage.embedded import EmbeddedPostgres, cluster
from people import Person, client, made, register
from receivers import Arrival, Then, answering, receiving
from servers import StartServer
from webhook_calls import until, webhook

SECRET = "xyzzy"


def tell_secrets(http: httpx.Client, ada: Person, bob: Person) -> str:
    """Let a word stand wherever a client can write one, and return the one message in which it stayed."""
    note = {"metadata": {"custom": {"note": f"{SECRET} custom"}}}
    body = {"receiver_id": bob.id, "content": f"{SECRET} sent", "type": "text", **note}
    message_id: str = made(ada.post("/messages", body, **{"Idempotency-Key": "k"}))["id"]
    made(ada.patch(f"/messages/{message_id}", {"content": f"{SECRET} edited"}))
    refused = [
        ada.post("/messages", body | {"content": f"{SECRET} other"}, **{"Idempotency-Key": "k"}),
        ada.post("/messages", {"receiver_id": bob.id, "content": SECRET * 1000, "type": "text"}),
        ada.post("/messages", {"receiver_id": bob.id, "content": SECRET, "type": "text", SECRET: SECRET}),
        ada.post("/messages", body | {"metadata": {"reply_to": message_id.replace("7", "8")}}),
        ada.ask("POST", "/messages", content=f'{{"content": "{SECRET}'.encode()),
        bob.patch(f"/messages/{message_id}", {"content": f"{SECRET} not yours"}),
        ada.get("/messages", type=SECRET),
        http.post("/v1/auth/login", json={"email": ada.email, "password": f"{SECRET} {SECRET}"}),
        http.get(f"/v1/me?token={SECRET}", headers={"Authorization": f"Bearer {SECRET}"}),
    ]
    assert all(400 <= answer.status_code < 500 for answer in refused), refused
    return message_id


def test_deleted_messages_leave_no_trace(start_server: StartServer, tmp_path: Path) -> None:
    """The database's dump holds the message until it is deleted; the logs of both servers never do."""
    data_dir = tmp_path / "data"
    server = start_server(
        temporary=False, env={"PARLEY_DATA_DIR": str(data_dir), "PARLEY_WEBHOOK_ALLOW_NETWORKS": "127.0.0.1"}
    )
    dsn = EmbeddedPostgres.running_dsn(data_dir)
    assert dsn is not None
    with client(server.url) as http, receiving(repeating) as receiver:
        ada, bob = register(http, "ada"), register(http, "bob")
        hook_id = webhook(bob, receiver.url)["id"]
        message_id = tell_secrets(http, ada, bob)
        deliveries = f"/webhooks/{hook_id}/deliveries"
        until(lambda: len(bob.get(deliveries, status="succeeded").json()["deliveries"]) == 2)
        assert SECRET in dump(dsn)
        assert SECRET in bob.get(deliveries).text
        assert ada.delete(f"/messages/{message_id}").status_code == 204
        after = dump(dsn)
    assert SECRET not in after
    assert message_id in after
    server.stop()
    for log in (server.log, data_dir / cluster.LOG):
        assert SECRET not in log.read_text()


async def repeating(arrival: Arrival, writer: asyncio.StreamWriter) -> Then:
    """Answer with what arrived."""
    return await answering(200, arrival.body)(arrival, writer)


def dump(dsn: str) -> str:
    """Return everything that is in a database, as text."""
    command = [str(cluster.program("pg_dump")), f"--dbname={dsn}"]
    return subprocess.run(
        command, env=cluster.environment(), check=True, capture_output=True, text=True
    ).stdout
