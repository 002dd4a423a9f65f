"""Doors over HTTP, and a restaurant with its officers."""

from tests.codes.door_city import doors
from tests.codes.enterprise_fixtures import caller, carrier, city, rooms

__all__ = ["caller", "carrier", "city", "doors", "rooms"]
