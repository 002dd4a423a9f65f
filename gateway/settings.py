"""What an operator may choose about the gateway."""

from app.kit.structs import Model
from gateway.breakers import BreakerSettings
from gateway.limits.models import Limit
from gateway.overload.gate import OverloadSettings


class GatewaySettings(Model):
    """`issuer` is the public origin; `apps_host` the host (and port) on which departments are reached.

    `limits` says who counts: "memory" (each worker for itself), "database", or the URL of a Valkey. Whoever shows no
    token is counted by address, and all of them together have a part of each mini-app that leaves the rest to others.
    """

    issuer: str
    apps_host: str
    region: str = "190000"
    brand: str = "随申办"
    allowed_upstreams: frozenset[str] = frozenset()
    limits: str = "memory"
    per_person: Limit = Limit(requests=50, per_seconds=1, burst=100)
    per_app: Limit = Limit(requests=2000, per_seconds=1, burst=4000)
    breaker: BreakerSettings = BreakerSettings()
    overload: OverloadSettings = OverloadSettings()
    per_department: Limit = Limit(requests=4000, per_seconds=1, burst=8000)
    per_address: Limit = Limit(requests=200, per_seconds=1, burst=400)
    per_app_of_visitors: Limit = Limit(requests=1000, per_seconds=1, burst=2000)
    traces_url: str = ""
    traces_percent: int = 5
    trusted_proxies: tuple[str, ...] = ()
    places_per_department: int = 64
    places_per_caller: int = 16
    stream_places_per_department: int = 64
    stream_seconds: float = 3600.0
    look_again_seconds: float = 1.0
    largest_stream: int = 1024 * 1024 * 1024
    card_places_per_department: int = 16
    page_places_per_department: int = 16
    upload_seconds: float = 10.0
    cards_deadline_seconds: float = 0.6
    most_personal_apps: int = 20

    @property
    def apps_origin(self) -> str:
        """Where a citizen's program believes to be when it calls a department."""
        return f"{self.issuer.partition('://')[0]}://{self.apps_host}"
