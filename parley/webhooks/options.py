"""How one process delivers webhooks: what an operator has decided, and what the process knows of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """`concurrency` requests run at once, `per_endpoint` of them to the same webhook at most.

    A webhook gets up to `rate` of them in a second; 0 is no limit. Who is `alone` with the database does not wait for
    the leases of the process before it.
    """

    concurrency: int
    per_endpoint: int
    rate: float = 0.0
    alone: bool = False
