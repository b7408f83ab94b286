"""What is deprecated says so in each answer that is about it: since when, and until when it is served."""

from starlette.types import ASGIApp, Receive, Scope, Send

from parley.contract.deprecation import Days, Deprecations, earliest
from parley.contract.exchange import Exchange
from parley.contract.parameters import read_query
from parley.contract.routing import EXCHANGE
from parley.errors import Invalid


class Announcing:
    """An operation of whatever version of which something is on its way out. The others do not even ask."""

    def __init__(self, operation: ASGIApp, deprecations: Deprecations) -> None:
        self._operation = operation
        self._deprecations = deprecations
        for_all = deprecations.for_all
        self._lines = earliest(for_all).lines() if for_all else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer like any other, and say in each answer, refusals included, that something will end."""
        exchange: Exchange = scope[EXCHANGE]
        sent = self._sent(exchange)
        if sent:
            exchange.add_lines(earliest((*self._deprecations.for_all, *sent)).lines())
        else:
            exchange.add_lines(self._lines)
        await self._operation(scope, receive, send)

    def _sent(self, exchange: Exchange) -> list[Days]:
        """Return the days of the deprecated parameters that the request has."""
        deprecations = self._deprecations
        found = [each for name, each in deprecations.of_headers.items() if name in exchange.headers]
        query = exchange.scope["query_string"]
        if deprecations.of_queries and query:
            try:
                given = read_query(query)
            except Invalid:
                # The operation refuses it: nobody can say what it has.
                given = {}
            found += [each for name, each in deprecations.of_queries.items() if name in given]
        return [day for days in found for day in days]
