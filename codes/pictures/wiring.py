"""Puts together what draws codes for walls and cards: one studio, so that pictures are drawn one at a time."""

from dataclasses import dataclass

from app.kit.floor import Floor
from codes.enterprise.enterprises.posters import EnterprisePosters
from codes.enterprise.enterprises.service import EnterpriseCodes
from codes.enterprise_ports import FindsOrganizations
from codes.pictures.studio import Studio
from codes.places.posters import PlacePosters
from codes.places.service import Places
from codes.settings import CodesSettings
from codes.showing.paper.cards import PaperCards
from codes.showing.paper.service import PaperCodes


@dataclass(frozen=True, kw_only=True)
class Posters:
    """Who draws what."""

    enterprises: EnterprisePosters
    papers: PaperCards
    places: PlacePosters


def build_posters(
    floor: Floor,
    settings: CodesSettings,
    *,
    enterprise_codes: EnterpriseCodes,
    paper_codes: PaperCodes,
    places: Places,
    organizations: FindsOrganizations,
) -> Posters:
    """The drawing rooms. The font is opened when the first picture is drawn."""
    studio = Studio()
    return Posters(
        enterprises=EnterprisePosters(
            database=floor.database,
            codes=enterprise_codes,
            organizations=organizations,
            studio=studio,
            clock=floor.clock,
            brand=settings.brand,
            offset=settings.city_offset,
        ),
        papers=PaperCards(
            database=floor.database,
            codes=paper_codes,
            studio=studio,
            brand=settings.brand,
            offset=settings.city_offset,
        ),
        places=PlacePosters(
            database=floor.database,
            places=places,
            studio=studio,
            clock=floor.clock,
            brand=settings.brand,
            offset=settings.city_offset,
        ),
    )
