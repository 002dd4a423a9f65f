"""One department on trial: which of its routes are asked, in whose name, and what its answers gave away.

Asks and remembers; the cases judge.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from app.kit.structs import Model
from miniapps.conformance.ports import Answer, Network, Outgoing, Unanswered
from miniapps.manifest import Manifest, Route, Widget, split_template
from miniapps.manifest.models import SAFE_METHODS
from miniapps.sandbox.citizens import CITIZENS, SyntheticCitizen, claims_of
from miniapps.sandbox.signing import Ask, Signer

CARDS: Final = "/.ssb/cards"
LARGEST_ANSWER: Final = 8 * 1024 * 1024
LARGEST_CARDS: Final = 64 * 1024
HEALTH_SECONDS: Final = 2.0
ANY_PARAMETER: Final = "1"
SUBJECT_OF: Final = {"person": "person", "visitor": "person", "organization": "organization", "staff": "official"}
SECRETS: Final = ("ssb-assertion", "signature")


class Place(Model):
    """A backend's base URL, taken apart as the gateway takes it."""

    origin: str
    authority: str
    base_path: str


def place_of(base_url: str) -> Place:
    """The place of a sound base URL; the scheme's own port does not stand on the wire."""
    parts = urlsplit(base_url)
    default = {"http": ":80", "https": ":443"}[parts.scheme]
    return Place(
        origin=f"{parts.scheme}://{parts.netloc}",
        authority=parts.netloc.removesuffix(default),
        base_path=parts.path.rstrip("/"),
    )


class Trial:
    """A manifest, the backend that should keep it, and the way there."""

    def __init__(self, *, manifest: Manifest, place: Place, signer: Signer, network: Network, live: bool) -> None:
        self.manifest = manifest
        self.signer = signer
        self.live = live
        self.citizen, self.other, self.elder = CITIZENS
        self.echoed = 0
        self.timed_out = 0
        self._place = place
        self._network = network
        self._scopes = {scope.name: scope for scope in manifest.scopes}

    def routes(self) -> Iterator[Route]:
        """The routes whose whole answer the gateway reads."""
        return (route for route in self.manifest.routes if route.body == "buffered")

    def probe(self) -> Route | None:
        """The route by which refusals are tried: one that only reads and needs a known person, without parameters if
        possible. None when nothing is declared that may be asked for again and again.
        """
        reading = [route for route in self.routes() if route.method in SAFE_METHODS and route.min_ial > 0]
        plain = [route for route in reading if "{" not in route.path]
        return next(iter([*plain, *reading]), None)

    def streams(self) -> Iterator[Route]:
        """The routes of which the gateway passes on piece by piece."""
        return (route for route in self.manifest.routes if route.body == "streamed")

    def stream_probe(self) -> Route | None:
        """The stream by which refusals are tried, or None: as `probe`."""
        return next((one for one in self.streams() if one.method in SAFE_METHODS and one.min_ial > 0), None)

    def writing(self) -> Route | None:
        """A route that takes a body."""
        return next((route for route in self.routes() if route.method in {"POST", "PUT", "PATCH"}), None)

    def ask(self, route: Route, *, query: str = "", body: bytes = b"") -> Ask:
        """A request to the route, each parameter filled in."""
        filled = (ANY_PARAMETER if segment.startswith("{") else segment for segment in split_template(route.path))
        target = f"{self._place.base_path}/{'/'.join(filled)}{query}"
        headers = {} if route.retry_safe and route.method in SAFE_METHODS else {"idempotency-key": f"kit-{new_key()}"}
        return Ask(
            method=route.method,
            target=target,
            body=body,
            headers=headers,
            timeout_seconds=route.timeout_ms / 1000,
            streamed=route.body == "streamed",
        )

    def ask_page(self) -> Ask | None:
        """The question for the first of the public pages, if there are any."""
        pages = self.manifest.backend.pages if self.manifest.backend else None
        if pages is None:
            return None
        target = f"{self._place.base_path}{pages.path}/"
        return Ask(method="GET", target=target, headers={"accept": "text/html"}, channel="visitor")

    def ask_cards(self, widgets: Mapping[str, Widget]) -> Ask:
        """The question that the home page asks."""
        body = msgspec.json.encode({"widgets": list(widgets), "zone": min(self.manifest.zones)})
        seconds = max(widget.timeout_ms for widget in widgets.values()) / 1000
        target = self._place.base_path + CARDS
        return Ask(method="POST", target=target, body=body, timeout_seconds=seconds, channel="home")

    def widgets(self, *, personal: bool) -> dict[str, Widget]:
        """The declared cards for one citizen, or those for everybody."""
        return {widget.id: widget for widget in self.manifest.widgets if widget.personal is personal}

    def assertion(self, citizen: SyntheticCitizen, route: Route | None, **changes: object) -> str:
        """What the gateway would say of the citizen, with claims changed or (None) left out."""
        claims = claims_of(citizen, self.manifest.app_id, route, self._scopes)
        claims["sub_type"] = SUBJECT_OF[self.manifest.audience[0]]
        return self.signer.city().assertion(**(claims | changes))

    async def call(self, ask: Ask, citizen: SyntheticCitizen | None, route: Route | None = None) -> Answer:
        """A good request in the citizen's name, or in nobody's; raises `Unanswered`."""
        assertion = None if citizen is None else self.assertion(citizen, route)
        return await self.send(ask, self.signer.sign(ask, assertion=assertion))

    async def send(self, ask: Ask, headers: Mapping[str, str], *more: tuple[str, str]) -> Answer:
        """The request with just these headers; `more` may repeat one. Counts answers that say our secrets aloud."""
        lines = (*headers.items(), *more)
        largest = LARGEST_CARDS if ask.target.endswith(CARDS) else LARGEST_ANSWER
        outgoing = Outgoing(
            method=ask.method,
            url=self._place.origin + ask.target,
            headers=lines,
            body=ask.body,
            timeout_seconds=ask.timeout_seconds,
            largest_answer=largest,
            streamed=ask.streamed,
        )
        try:
            answer = await self._network.send(outgoing)
        except Unanswered as unanswered:
            self.timed_out += unanswered.trouble == "timed-out"
            raise
        told = answer.body + b"\n".join(value.encode("latin-1", "replace") for _, value in answer.headers)
        self.echoed += any(value.encode() in told for name, value in lines if name in SECRETS and value)
        return answer

    async def health(self) -> Answer:
        """What anybody may ask; raises `Unanswered`."""
        path = self.manifest.backend.health if self.manifest.backend else "/health"
        ask = Ask(method="GET", target=self._place.base_path + path, timeout_seconds=HEALTH_SECONDS)
        return await self.send(ask, {"host": self._place.authority, "accept": "*/*"})


def new_key() -> str:
    """A retry key that was not used before on this machine."""
    return f"{time.time_ns():x}"


__all__ = ["CARDS", "Place", "Trial", "Unanswered", "place_of"]
