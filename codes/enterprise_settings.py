"""What a city chooses about scanners, stickers and enterprise checks."""

from datetime import timedelta

import msgspec

from app.kit.structs import Model, Text


class EnterpriseSettings(Model):
    """Defaults are those of a laptop. `origin` is where the public reaches this server: what scanners sign."""

    origin: str = "http://127.0.0.1:8000"
    brand: Text = Text(zh="随申办", en="Suishen")
    city_utc_offset_seconds: int = 8 * 3600
    sources: dict[str, str] = msgspec.field(default_factory=dict)
    """Registers of departments by name, with their base address. A source that a scenario names and nobody connected
    is shown as missing."""
    source_deadline_seconds: float = 2.0
    source_stale_after_seconds: int = 48 * 3600

    @property
    def city_offset(self) -> timedelta:
        """The city's clock against UTC, for dates on pages."""
        return timedelta(seconds=self.city_utc_offset_seconds)

    @property
    def source_stale_after(self) -> timedelta:
        """How old an answer may be before it is shown as stale."""
        return timedelta(seconds=self.source_stale_after_seconds)
