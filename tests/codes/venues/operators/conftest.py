"""Doors over HTTP."""

from tests.codes.door_city import doors

__all__ = ["doors"]
