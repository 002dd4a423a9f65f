"""What can be wrong with a scenario: it is not in the catalogue, or the catalogue itself does not hold together."""

from app.kit.errors import NotFound
from app.kit.structs import Text


class ScenarioUnknown(NotFound):
    """No scenario has this number."""

    slug = "scenario-unknown"
    title = Text(zh="用码场景不存在", en="No such scenario")
    remedy = Text(zh="请从 GET /v1/scenarios 选择场景编号。", en="Choose a number from GET /v1/scenarios.")


class CatalogueInvalid(Exception):
    """The scenario file breaks its own rules, so the program does not start. The text names every fault."""
