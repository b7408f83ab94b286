"""Why the embedded database cannot run, as a sentence for the person who started it."""


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be started, used or backed up. `str(error)` is one whole sentence."""
