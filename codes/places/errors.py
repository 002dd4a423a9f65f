"""Refusals around places and things, as the organization that keeps them meets them."""

from app.kit.errors import Conflict, InvalidRequest, NotFound
from app.kit.structs import Text


class PlaceUnknown(NotFound):
    """The organization keeps no such place."""

    slug = "place-unknown"
    title = Text(zh="地点码不存在", en="No such place")
    remedy = Text(zh="请从本单位的地点码列表中选择。", en="Choose one from the organization's list of places.")


class PlaceScenariosInvalid(InvalidRequest):
    """A sticker names scenarios that exist, each once, and either personal ones or those of things."""

    slug = "place-scenarios-invalid"
    title = Text(zh="地点码的场景无效", en="The scenarios of this place are not valid")
    remedy = Text(
        zh="请从 GET /v1/scenarios 选择互不重复的场景；门口只用个人用码场景，设施只用 V 类场景。",
        en="Choose different scenarios from GET /v1/scenarios: of personal codes for a door, of kind V for a thing.",
    )


class NobodyScansThere(Conflict):
    """A door's sticker asks for no more than a scanner that stands there may ask."""

    slug = "nobody-scans-there"
    title = Text(zh="该地点没有可用此场景的扫码设备", en="No scanner there may ask in this scenario")
    remedy = Text(
        zh="请先在同一地点登记该场景的扫码设备（POST /v1/scanners），再申领地点码。",
        en="Enrol a scanner for this scenario at the same site first (POST /v1/scanners).",
    )


class PlacesExhausted(Conflict):
    """The organization has as many valid stickers as one may have."""

    slug = "places-exhausted"
    title = Text(zh="有效地点码数量已达上限", en="No more places")
    remedy = Text(zh="请先撤销不再使用的地点码。", en="Revoke stickers that are no longer used first.")
