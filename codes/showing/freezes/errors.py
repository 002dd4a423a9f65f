"""Refusals around freezes."""

from app.kit.errors import Conflict, Forbidden, NotFound, StepUpRequired
from app.kit.structs import Text


class NamedHolderUnknown(NotFound):
    """Nobody here has both this name and this number."""

    slug = "named-holder-unknown"
    title = Text(zh="没有姓名与证件号码相符的用户", en="Nobody here has this name and this number")
    remedy = Text(zh="请按证件原件核对姓名和号码。", en="Compare name and number with the document itself.")


class FreezeUnknown(NotFound):
    """There is no such freeze, or none that the caller may know of."""

    slug = "freeze-unknown"
    title = Text(zh="没有这条冻结记录", en="No such freeze")
    remedy = Text(zh="请从冻结记录列表中选择。", en="Choose one from the list of freezes.")


class AlreadyFrozen(Conflict):
    """The person's codes are frozen for this very reason already."""

    slug = "already-frozen"
    title = Text(zh="已因同一原因冻结", en="Frozen already, for the same reason")
    remedy = Text(
        zh="无需重复冻结；可因其他原因另行冻结。", en="Nothing to do; a freeze for another reason is possible."
    )


class AlreadyLifted(Conflict):
    """The freeze has ended."""

    slug = "already-lifted"
    title = Text(zh="该冻结已解除", en="This freeze has ended")
    remedy = Text(zh="请刷新查看最新状态。", en="Read the present state; nothing is frozen by it any more.")


class AlreadyAppealed(Conflict):
    """There is one appeal for each freeze."""

    slug = "already-appealed"
    title = Text(zh="已提交过申诉", en="Appealed already")
    remedy = Text(
        zh="请等待答复；对答复不服的，可到服务窗口，或依法申请行政复议。",
        en="Wait for the answer; against it, go to a counter or apply for administrative reconsideration.",
    )


class NoAppealOpen(Conflict):
    """Nobody has appealed, or the appeal was answered before."""

    slug = "no-appeal-open"
    title = Text(zh="没有待答复的申诉", en="No appeal waits for an answer")
    remedy = Text(zh="请刷新申诉列表。", en="Read the list of appeals again.")


class HolderCheckNeeded(StepUpRequired):
    """This freeze ends only with the person at the counter."""

    slug = "holder-check-needed"
    title = Text(zh="须当面核验本人后才能解除", en="The person must be checked at the counter")
    remedy = Text(
        zh="请核对本人面貌与证件后勾选 holder_checked。", en="Compare face and document, then send holder_checked."
    )


class AnotherOfficialNeeded(Forbidden):
    """Whoever froze against the holder's wish neither ends it nor answers the appeal."""

    slug = "another-official-needed"
    title = Text(zh="须由另一名工作人员办理", en="Another official must do this")
    remedy = Text(zh="请由未办理该冻结的工作人员办理。", en="Ask an official who did not make this freeze.")
