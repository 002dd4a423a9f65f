"""Refusals around what the city already holds."""

from app.kit.errors import InvalidRequest
from app.kit.structs import Text


class RegistersInvalid(Exception):
    """The file of registers breaks a rule; the text says which. The program does not start with it."""


class ChecklistAsksForHeld(InvalidRequest):
    """A checklist asks an enterprise for what the city holds. `held` names each item, document and register."""

    slug = "checklist-asks-for-held"
    title = Text(
        zh="检查清单索要政府已掌握的材料", en="The checklist asks the enterprise for what the city already holds"
    )
    remedy = Text(
        zh="请删除所列条目：这些信息由检查任务自动调取，不得要求企业提供。",
        en="Remove the listed items: the task fetches these facts itself, and nobody may ask the enterprise for them.",
    )


class EvidenceUnknown(InvalidRequest):
    """A checklist names a document that is in no list."""

    slug = "evidence-unknown"
    title = Text(zh="清单所列材料名称不存在", en="No such document in the list of registers")
    remedy = Text(
        zh="请从 GET /v1/registers 选择材料名称，或不填写 evidence。",
        en="Choose a document out of GET /v1/registers, or leave `evidence` out.",
    )
