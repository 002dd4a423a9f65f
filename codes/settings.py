"""What a city chooses about its codes."""

from datetime import timedelta

from app.kit.structs import Model
from codes.envelope.cose import Environment
from codes.trust.models import CodeFormat


class CodesSettings(Model):
    """Defaults are those of a laptop. `origin` is where the public reaches this server: scheme, host and port."""

    environment: str = "development"
    prefix: str = "SSM1:"
    origin: str = "http://127.0.0.1:8000"
    city_utc_offset_seconds: int = 8 * 3600
    trust_list_life_seconds: int = 24 * 3600
    trust_list_republish_seconds: int = 3600
    verification_days: int = 180

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
