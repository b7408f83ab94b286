"""What was deleted, and what was refused, is in no log and in no table."""

import asyncio
import subprocess
from pathlib import Path

import asyncpg
import httpx

from parley.storage.embedded import EmbeddedPostgres, cluster
from people import PASSWORD, Person, client, made, register
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


# What the statement may fail by, where it is planted and what it says: a value is in its first line or below.
PLANTED = {
    "messages": """
        CREATE UNIQUE INDEX planted ON messages (content);
        CREATE FUNCTION fail_message() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF new.content LIKE '%fault' THEN
                RAISE EXCEPTION '%', new.content;
            ELSIF new.content NOT LIKE '%twice' THEN
                PERFORM new.content::uuid;
            END IF;
            RETURN new;
        END $$;
        CREATE TRIGGER fail BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION fail_message();
        """,
    "users": """
        CREATE FUNCTION fail_user() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = CASE WHEN new.username LIKE 'late%' THEN '57014' ELSE '40P01' END,
                MESSAGE = new.email, DETAIL = new.email;
        END $$;
        CREATE TRIGGER fail BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION fail_user();
        """,
    "presence": """
        CREATE FUNCTION fail_presence() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'xyzzy';
        END $$;
        CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON presence FOR EACH ROW EXECUTE FUNCTION fail_presence();
        """,
}


def test_failing_statements_leave_no_trace(start_server: StartServer, tmp_path: Path) -> None:
    """What the database quotes where it refuses a value is in no log: neither of the server nor of the database."""
    data_dir = tmp_path / "data"
    server = start_server(
        temporary=False, env={"PARLEY_DATA_DIR": str(data_dir), "PARLEY_LOG_LEVEL": "debug"}
    )
    dsn = EmbeddedPostgres.running_dsn(data_dir)
    assert dsn is not None
    with client(server.url) as http:
        ada, bob = register(http, "ada"), register(http, "bob")
        for statements in PLANTED.values():
            asyncio.run(execute(dsn, statements))

        def send(content: str) -> int:
            body = {"receiver_id": bob.id, "content": f"{SECRET} {content}", "type": "text"}
            return ada.post("/messages", body).status_code

        assert [send(content) for content in ("twice", "twice", "no identifier", "fault")] == [
            201,
            500,
            500,
            500,
        ]
        answers = [
            http.post(
                "/v1/users", json={"email": f"{name}@{SECRET}.org", "password": SECRET * 3, "username": name}
            )
            for name in ("late1", "locked1")
        ]
        assert [answer.status_code for answer in answers] == [503, 500]
    assert server.stop() == 0
    log = server.log.read_text()
    for said in (
        "UniqueViolationError: 23505 planted",
        "InvalidTextRepresentationError: 22P02",
        "RaiseError: P0001",
        "DeadlockDetectedError: 40P01",
        "the last presence is lost",
    ):
        assert said in log
    for kept in (
        SECRET,
        ada.email,
        PASSWORD,
        *(ada.tokens[kind] for kind in ("access_token", "refresh_token")),
    ):
        assert kept not in log
        assert kept not in (data_dir / cluster.LOG).read_text()


async def execute(dsn: str, statements: str) -> None:
    """Run statements on a connection of their own."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statements)
    finally:
        await conn.close()


async def repeating(arrival: Arrival, writer: asyncio.StreamWriter) -> Then:
    """Answer with what arrived."""
    return await answering(200, arrival.body)(arrival, writer)


def dump(dsn: str) -> str:
    """Return everything that is in a database, as text."""
    command = [str(cluster.program("pg_dump")), f"--dbname={dsn}"]
    return subprocess.run(
        command, env=cluster.environment(), check=True, capture_output=True, text=True
    ).stdout
