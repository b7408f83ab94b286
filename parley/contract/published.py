"""The contract as it is published: its version, and the hashes by which a client knows it again."""

import hashlib
import json
from dataclasses import dataclass
from importlib import resources

from parley import __version__

_SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Published:
    """What `GET /contract` shows. The hashes are those of the files, byte for byte as they are served."""

    version: str
    openapi_sha256: str
    asyncapi_sha256: str
    build: str

    @property
    def header(self) -> str:
        """Return what `X-Contract` says: a version with build metadata, as Semantic Versioning 2.0.0 has it."""
        digits = (each[:_SHOWN_DIGITS] for each in (self.openapi_sha256, self.asyncapi_sha256))
        return f"{self.version}+{'.'.join(digits)}"


def read_published(name: str = "openapi") -> Published:
    """Read the documents that were made when this was built; `name` is that of the version of REST."""
    documents = [(resources.files("generated") / f"{each}.json").read_bytes() for each in (name, "asyncapi")]
    openapi_sha256, asyncapi_sha256 = (hashlib.sha256(each).hexdigest() for each in documents)
    version: str = json.loads(documents[0])["info"]["version"]
    return Published(version, openapi_sha256, asyncapi_sha256, __version__)


# Read once: it stands on every answer.
PUBLISHED = read_published()
CONTRACT_HEADER = (b"x-contract", PUBLISHED.header.encode())
