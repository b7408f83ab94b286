"""The settings of an embedded chat database, given on the command line: no file can drift from them."""

from pathlib import Path
from urllib.parse import quote

USER = "parley"
DATABASE = "parley"
PORT = 5432

_SETTINGS = {
    # Only the socket, in a directory of mode 0700: the file system decides who may connect.
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # A chat database is small and hot: enough to hold its recent end, little enough for a small machine.
    "shared_buffers": "128MB",
    "huge_pages": "off",
    "max_wal_size": "512MB",
    "wal_compression": "on",
    "synchronous_commit": "on",
    # Nobody replicates an embedded database, and without standby snapshots an idle server writes nothing.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    # Queries are short: compiling them, or spreading them over the few cores there are, only costs.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    # Message content must never reach a log: no statements, no parameters, no DETAIL, and no errors of
    # statements at all, because their first line may quote a value. The application reports those itself.
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_lock_waits": "off",
    "log_autovacuum_min_duration": "-1",
    "log_line_prefix": "%m [%p] ",
}


def arguments(cluster: Path, socket_directory: Path, *, durable: bool) -> list[str]:
    """Return the arguments of `postgres`; only a temporary database may be told not to be `durable`."""
    settings = _SETTINGS | {
        "fsync": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
        # The setting is a list; quoting keeps a comma in a path from being read as its separator.
        "unix_socket_directories": '"' + str(socket_directory).replace('"', '""') + '"',
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    return ["-D", str(cluster), *options]


def dsn(socket_directory: Path, database: str = DATABASE) -> str:
    """Return the address of `database` on the server whose socket is in `socket_directory`."""
    return f"postgresql://{USER}@/{database}?host={quote(str(socket_directory), safe='')}&port={PORT}"
