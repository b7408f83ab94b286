"""The PostgreSQL that Parley brings along: the real database, started and watched by Parley itself.

    server.py          EmbeddedPostgres: start, supervise, stop
    cluster.py         the directory of the database: made whole or not at all, and checked
    keeper.py          a small process between the server and postgres, so that neither survives the other
    identity.py        as whom postgres runs, because it refuses to run as root
    remains.py         what a killed postgres leaves running, found and ended
    claim.py           one owner for each data directory, and where others find its socket
    configuration.py   the settings of an embedded chat database

Everything lies in one data directory: `postgres/` is the database, `postgres.log` (and one older file) its
log, `postgres.lock` the claim, `postgres.dsn` the address while it runs, `socket/` its socket.
"""

from parley.storage.embedded.errors import EmbeddedError
from parley.storage.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedError", "EmbeddedPostgres"]
