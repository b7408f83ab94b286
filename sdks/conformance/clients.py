"""Clients of the SDK under test."""

import people
from drivers import Driver
from people import Person

# Short times, so that waiting for a retry costs the tests little; what they stand for is the same.
RETRY = {"max_attempts": 6, "max_elapsed": 30, "base": 0.05, "cap": 0.5}
BACKOFF = {"base": 0.05, "cap": 0.5}


def logged_in(driver: Driver, url: str, person: Person, name: str = "ada", **options: object) -> str:
    """Make a client of the SDK, and log somebody in."""
    driver.do("client", name=name, base_url=url, timeout=10, **{"retry": RETRY, **options})
    driver.do("login", client=name, email=person.email, password=people.PASSWORD)
    return name
