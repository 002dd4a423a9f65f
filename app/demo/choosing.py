"""The screen on which a citizen chooses: it scans a sticker, tells what will be disclosed, and signs for the place.

It pulls the city's public lists in quiet hours, as every phone does. At the door it asks nobody, so that nobody knows.
"""

from datetime import UTC, datetime

import httpx
import msgspec

from app.demo.phone import HeldGrant, Phone
from app.kit.structs import Model, Text
from codes.offline import status_list_key
from codes.offline_verifier import Root, read_root
from codes.places.choosing import ScannedPlace, parse_challenge, read_place
from codes.places.facts import PlaceFacts
from codes.places.texts import disclosed
from codes.scenarios.models import Scenario, must_be_shown
from codes.status.models import VerifiedStatusList, verify_status_list
from codes.trust.document import verify_trust_list
from codes.trust.models import VerifiedTrustList


class Catalogue(Model):
    """As much of `GET /v1/scenarios` as a phone needs."""

    items: list[Scenario]


class Lists(Model):
    """What the city publishes, verified."""

    root: Root
    trust_list: VerifiedTrustList
    status_lists: dict[int, VerifiedStatusList]


class Choice(Model):
    """A scenario at a place. `told` is what the citizen must be told before the code is shown; None: they know it."""

    place: PlaceFacts
    scenario: Scenario
    told: Text | None


class NotOffered(Exception):
    """The sticker does not name this scenario."""


class Chooser:
    """What a phone keeps besides its grants: lists, scenarios, and which texts its holder has been shown."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._scenarios: dict[int, Scenario] = {}
        self._lists: Lists | None = None
        self._shown: dict[int, str] = {}

    async def pull(self) -> None:
        """The public lists, none of which says who pulls them or what for."""
        now = datetime.now(UTC)
        root = read_root(await self._get("/v1/trust-root"))
        environment = root.code_format.environment
        trust_list = verify_trust_list(await self._get("/v1/trust-list"), root.keys, environment, now=now)
        status_lists = {}
        for shard in msgspec.json.decode(await self._get("/v1/status"))["items"]:
            status_lists[shard] = verify_status_list(
                await self._get(f"/v1/status/{shard}"),
                lambda message: status_list_key(trust_list, message, now),
                shard=shard,
                host=root.code_format.host,
                environment=environment,
            )
        self._lists = Lists(root=root, trust_list=trust_list, status_lists=status_lists)
        catalogue = msgspec.json.decode(await self._get("/v1/scenarios"))
        for item in catalogue["items"]:
            item.pop("disclosure_version")  # computed from the very text that is shown, not believed
        self._scenarios = {one.number: one for one in msgspec.convert(catalogue, Catalogue).items}

    def scan(self, sticker: str) -> ScannedPlace:
        """What a sticker is; asks nobody."""
        assert self._lists is not None, "pull first"
        return read_place(
            sticker,
            trust_list=self._lists.trust_list,
            status_lists=self._lists.status_lists,
            code_format=self._lists.root.code_format,
            now=datetime.now(UTC),
        )

    def choose(self, place: PlaceFacts, number: int) -> Choice:
        """The consent act. Told the first time, whenever the text has changed, and each time where it is sensitive.

        Raises `NotOffered`.
        """
        if number not in place.scenarios or number not in self._scenarios:
            raise NotOffered
        scenario = self._scenarios[number]
        told = disclosed(scenario.discloses) if must_be_shown(scenario, self._shown.get(number)) else None
        self._shown[number] = scenario.disclosure_version
        return Choice(place=place, scenario=scenario, told=told)

    def present(self, phone: Phone, grant: HeldGrant, choice: Choice, challenge: str | None = None) -> str:
        """The code for this place; where much is at stake also for the nonce that the scanner shows."""
        cnonce = None if challenge is None else parse_challenge(challenge, phone.prefix)
        return phone.present(grant, choice.scenario.number, aud=choice.place.aud, cnonce=cnonce)

    async def _get(self, path: str) -> bytes:
        answer = await self._http.get(path)
        answer.raise_for_status()
        return answer.content
