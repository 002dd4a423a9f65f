"""Real routes over real tables, with a real trust list and real status lists."""

from tests.codes.enterprise_fixtures import caller, carrier, city, rooms

__all__ = ["caller", "carrier", "city", "rooms"]
