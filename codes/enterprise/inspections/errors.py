"""Refusals around inspection tasks."""

from app.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound
from app.kit.structs import Text


class InspectionUnknown(NotFound):
    """The officer has no such task."""

    slug = "inspection-unknown"
    title = Text(zh="检查任务不存在", en="No such inspection task")
    remedy = Text(zh="请从本人的检查任务列表中选择。", en="Choose one of your own inspection tasks.")


class InspectionTargetInvalid(InvalidRequest):
    """Exactly one of organization and credit code says whom to inspect, and the register knows it."""

    slug = "inspection-target-invalid"
    title = Text(zh="检查对象无效", en="The inspection names no enterprise")
    remedy = Text(
        zh="请填写 organization_id 或 credit_code 之一，且该单位已在本市登记。",
        en="Give either organization_id or credit_code, of an organization that this city knows.",
    )


class InspectionScenarioInvalid(InvalidRequest):
    """An inspection is for an enterprise check."""

    slug = "inspection-scenario-invalid"
    title = Text(zh="该场景不能用于检查", en="This scenario is not one of an inspection")
    remedy = Text(zh="请选择 802 至 805 号企业核查场景。", en="Choose an enterprise check, 802 to 805.")


class DepartmentMissing(Forbidden):
    """The officer's account belongs to no department, in whose name an inspection could stand."""

    slug = "department-missing"
    title = Text(zh="账号未关联执法部门", en="Your account belongs to no department")
    remedy = Text(zh="请联系系统管理员关联部门。", en="Ask a system administrator to assign your department.")


class InspectionNotActive(Conflict):
    """The task has been closed, or its hours are over."""

    slug = "inspection-not-active"
    title = Text(zh="检查任务已结束", en="The inspection task has ended")
    remedy = Text(zh="请另行创建检查任务。", en="Open another task.")


class InvitedDepartmentInvalid(InvalidRequest):
    """A joint task invites other departments of this city, each once, and not one's own."""

    slug = "invited-department-invalid"
    title = Text(zh="联合检查邀请的部门无效", en="A department that is invited to a joint inspection is not valid")
    remedy = Text(
        zh="请填写本市其他部门的编号，每个部门一次，不含本部门。",
        en="Give ids of other departments of this city, each once, not your own.",
    )


class AlreadyInTask(Conflict):
    """The officer leads this task or has joined it."""

    slug = "already-in-task"
    title = Text(zh="您已在该检查任务中", en="You are in this task already")
    remedy = Text(zh="无需重复加入。", en="There is nothing to do.")
