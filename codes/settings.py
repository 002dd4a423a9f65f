"""What a city chooses about its codes."""

from datetime import timedelta

from msgspec import field

from app.kit.structs import Model, Text
from codes.envelope.cose import Environment
from codes.trust.models import CodeFormat


class CodesSettings(Model):
    """Defaults are those of a laptop. `origin` is where the public reaches this server: scheme, host and port."""

    environment: str = "development"
    prefix: str = "SSM1:"
    origin: str = "http://127.0.0.1:8000"
    brand: Text = Text(zh="随申办", en="Suishen")
    city_utc_offset_seconds: int = 8 * 3600
    trust_list_life_seconds: int = 24 * 3600
    trust_list_republish_seconds: int = 3600
    receipt_days: int = 3 * 365
    """How long it stays known that a scan took place; who was scanned is forgotten by the scenario's own days."""
    scenarios_file: str = ""
    """The city's own scenarios, read anew whenever the file changes; empty: those that ship."""
    enterprise_sources: dict[str, str] = field(default_factory=dict)
    """Registers that an enterprise check asks: name in the scenarios, base URL."""
    hotline_url: str = ""
    """Who takes complaints about scans; without one they wait for the city's audit officers."""
    source_deadline_seconds: float = 2.0
    source_stale_seconds: int = 30 * 86400

    @property
    def code_format(self) -> CodeFormat:
        """How this city's codes look. A host without scheme means https, which keeps production codes short."""
        return CodeFormat(
            environment=Environment(self.environment),
            prefix=self.prefix,
            host=self.origin.removeprefix("https://"),
        )

    @property
    def city_offset(self) -> timedelta:
        """The city's clock against UTC: whose midnight begins a day of grants."""
        return timedelta(seconds=self.city_utc_offset_seconds)
