"""A process that owns an embedded database, to be killed by tests: `python owner.py DATA_DIR|temporary`.

Prints one JSON line when the database is there, and stops it on SIGTERM or Ctrl-C.
"""

import asyncio
import json
import os
import signal
import sys

from parley.storage.embedded import EmbeddedError, EmbeddedPostgres


async def main(where: str) -> None:
    database = EmbeddedPostgres.temporary() if where == "temporary" else EmbeddedPostgres(where)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    dsn = await database.start()
    print(json.dumps({"dsn": dsn, "data_dir": str(database.data_dir), "pid": os.getpid()}), flush=True)
    await ended.wait()
    await database.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1]))
    except EmbeddedError as error:
        sys.exit(str(error))
