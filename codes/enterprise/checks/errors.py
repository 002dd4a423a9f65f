"""Refusals of an enterprise check. A bad code is none of these: that is a verdict."""

from app.kit.errors import Forbidden, InvalidRequest
from app.kit.structs import Text


class InspectionTaskRequired(Forbidden):
    """The officer has no task of this id that is active now, for this scenario."""

    slug = "inspection-task-required"
    title = Text(zh="没有进行中的检查任务", en="No active inspection task")
    remedy = Text(
        zh="请先创建检查任务（POST /v1/inspections），任务的场景须与本次核查一致，且在有效时段内。",
        en="Open an inspection task first (POST /v1/inspections), for the same scenario, and check within its hours.",
    )


class EnterpriseNotInTask(Forbidden):
    """The scanned code stands for another enterprise than the task names."""

    slug = "enterprise-not-in-task"
    title = Text(zh="该企业不在本次检查任务内", en="This enterprise is not the one of the task")
    remedy = Text(
        zh="请核对企业码，或为该企业另行创建检查任务。",
        en="Look at the code again, or open a task for this enterprise.",
    )


class ArrivalRequired(Forbidden):
    """The enterprise has not met the officers of this task: it neither scanned their code nor was shown it."""

    slug = "arrival-required"
    title = Text(zh="尚未亮码，不得检查", en="No check before the code was shown")
    remedy = Text(
        zh="请先申领检查码并出示，由企业经办人扫码；无人能扫码时说明原因（POST /v1/inspections/{id}/showings）。",
        en="Ask for the inspection code and have the enterprise's agent scan it; where nobody can, say why "
        "(POST /v1/inspections/{id}/showings).",
    )


class NotAnEmergency(Forbidden):
    """Only an emergency check goes without a task."""

    slug = "not-an-emergency"
    title = Text(zh="该场景不能以紧急为由免去检查任务", en="This scenario needs a task, whatever the reason")
    remedy = Text(
        zh="紧急核查请使用 802 号场景并写明原因；其他检查请先创建检查任务。",
        en="In an emergency use scenario 802 and say why; for any other check, open a task first.",
    )


class CheckBasisInvalid(InvalidRequest):
    """A check rests on a task or on an emergency, on exactly one of them."""

    slug = "check-basis-invalid"
    title = Text(zh="核查依据不明", en="The check names no single basis")
    remedy = Text(
        zh="请填写 inspection_id 或 emergency_reason 之一。", en="Give either inspection_id or emergency_reason."
    )
