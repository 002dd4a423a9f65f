"""Refusals of an enterprise check. A bad code is none of these: that is a verdict."""

from app.kit.errors import Forbidden
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
