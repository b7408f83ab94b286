"""A page of history from a long conversation and from a short one: they should cost the same.

    python -m bench.history [--seconds 5] [--rounds 3] [--long 1000000]

Needs `wrk`. Pages of 50 are asked for in a thousand places all over both, and so few of them again soon.
"""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path

import asyncpg

from bench.messages import call, measure
from bench.served import Served
from parley.storage.embedded import EmbeddedPostgres

SHORT = 1000
PLACES = 1000

FILL = """
    INSERT INTO messages (conversation_id, position, seq, message_id, sender_id, type, content, metadata, created_at)
    SELECT $1, $2 + n, n, gen_random_uuid(), $3, 'text', 'Message number ' || n, '{}', now()
    FROM generate_series(1, $4::bigint) AS n
"""

READ = """
local paths = {%s}
local turn = 0
function request()
    turn = turn %% #paths + 1
    return wrk.format("GET", paths[turn], {["Authorization"] = "Bearer %s"})
end
"""


async def fill(dsn: str, conversation_id: str, sender_id: str, length: int, start: int) -> list[str]:
    """Put messages into a conversation, and return the ids of a thousand along its length, in no order."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(FILL, conversation_id, start, sender_id, length)
        rows = await conn.fetch(
            """
            SELECT message_id FROM messages
            WHERE conversation_id = $1 AND seq = ANY($2::bigint[])
            ORDER BY message_id
            """,
            conversation_id,
            [50 + (length - 50) * part // PLACES for part in range(1, PLACES + 1)],
        )
        return [str(row["message_id"]) for row in rows]
    finally:
        await conn.close()


def prepare(server: str, dsn: str, lengths: list[int]) -> dict[int, str]:
    """Make a conversation of each length and return a script for wrk that reads all over it."""
    people = []
    for name in ("ada", *(f"friend{number}" for number in range(len(lengths)))):
        account = {"email": f"{name}@example.com", "username": name, "password": "secure_password"}
        people.append(call(server, "POST", "/v1/users", account)["id"])
    credentials = {"email": "ada@example.com", "password": "secure_password"}
    token = call(server, "POST", "/v1/auth/login", credentials)["access_token"]
    scripts = {}
    for number, length in enumerate(lengths):
        friend = {"user_id": people[number + 1]}
        conversation = call(server, "POST", "/v1/conversations", friend, token)["id"]
        start = 1_000_000_000 * (number + 1)
        places = asyncio.run(fill(dsn, conversation, people[0], length, start))
        path = f"/v1/messages?limit=50&conversation_id={conversation}"
        paths = [path, *(f"{path}&before={place}" for place in places)]
        scripts[length] = READ % (", ".join(f'"{one}"' for one in paths), token)
    return scripts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--long", type=int, default=1_000_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, Served(Path(directory)) as served:
        server = served.url
        dsn = EmbeddedPostgres.running_dsn(Path(directory))
        assert dsn is not None
        scripts = prepare(server, dsn, [SHORT, chosen.long])
        ratios = []
        for _ in range(chosen.rounds):
            short, long = (measure(server, script, chosen.seconds) for script in scripts.values())
            ratios.append(long.rate / short.rate)
            print(f"{SHORT}: {short.rate:.0f}/s   {chosen.long}: {long.rate:.0f}/s   ratio {ratios[-1]:.2f}")
        print(
            f"median: a page of the long conversation at {statistics.median(ratios):.2f} of the short one's rate"
        )


if __name__ == "__main__":
    main()
