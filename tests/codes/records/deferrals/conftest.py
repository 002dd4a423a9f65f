"""What these tests stand on."""

from tests.codes.record_fixtures import phone, record

__all__ = ["phone", "record"]
