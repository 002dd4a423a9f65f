"""Puts together what draws codes for walls and cards: one studio, so that pictures are drawn one at a time."""

from dataclasses import dataclass

from app.kit.floor import Floor
from codes.enterprise_ports import FindsOrganizations
from codes.enterprises.posters import EnterprisePosters
from codes.enterprises.service import EnterpriseCodes
from codes.pictures.studio import Studio
from codes.places.posters import PlacePosters
from codes.places.service import Places
from codes.settings import CodesSettings


@dataclass(frozen=True, kw_only=True)
class Posters:
    """Who draws what."""

    enterprises: EnterprisePosters
    places: PlacePosters


def build_posters(
    floor: Floor,
    settings: CodesSettings,
    *,
    enterprise_codes: EnterpriseCodes,
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
        places=PlacePosters(
            database=floor.database,
            places=places,
            studio=studio,
            clock=floor.clock,
            brand=settings.brand,
            offset=settings.city_offset,
        ),
    )
