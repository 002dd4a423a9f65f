"""What was done in somebody's name, as it is kept and as they read it. Nothing personal stands in a detail."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.structs import Model, Text
from auth.mandates.models import PrincipalType

KINDS: Final[dict[str, Text]] = {
    "session_opened": Text(zh="以您的名义登录", en="Signed in in your name"),
    "app_called": Text(zh="以您的名义使用应用", en="Used a service in your name"),
    "app_acted": Text(zh="以您的名义在应用中办理", en="Did something in a service in your name"),
    "codes_fetched": Text(zh="领取您的亲属随申码", en="Fetched codes that speak of you"),
    "consent_granted": Text(zh="代您作出同意", en="Consented for you"),
    "consent_withdrawn": Text(zh="代您撤回同意", en="Withdrew a consent for you"),
    "mandate_given": Text(zh="转授权给他人", en="Passed a mandate on"),
    "mandate_ended": Text(zh="撤销了一项授权", en="Ended a mandate"),
    "enterprise_code_issued": Text(zh="申领企业码", en="Had an enterprise code issued"),
    "enterprise_code_revoked": Text(zh="作废企业码", en="Ended an enterprise code"),
    "place_registered": Text(zh="登记场所码", en="Registered a place"),
    "rating_given": Text(zh="评价检查", en="Rated an inspection"),
    "push_answered": Text(zh="答复推送", en="Answered a push"),
    "inspection_scanned": Text(zh="核验检查码", en="Checked an inspector's code"),
    "ticket_decided": Text(zh="确认或拒绝预填表单", en="Confirmed or declined a prefilled form"),
}
OTHER: Final = Text(zh="以您的名义办理", en="Did something in your name")


class Act(Model):
    """A row. `detail` has ids, names of apps and items, numbers of scenarios."""

    id: UUID
    principal_type: PrincipalType
    principal_id: UUID
    agent_id: UUID
    mandate_id: UUID
    kind: str
    detail: dict[str, str]
    at: datetime


class ActView(Model):
    """What was done, by whom (masked), by which mandate and when."""

    id: UUID
    kind: str
    text: Text
    agent: str | None
    """The agent's name, masked; null when it is no longer known."""
    agent_id: UUID
    mandate_id: UUID
    detail: dict[str, str]
    at: datetime


class ActList(Model):
    """Newest first; `next` is the `after` of the following page."""

    items: list[ActView]
    next: UUID | None
