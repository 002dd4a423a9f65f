"""What the registry of mini-apps refuses, each with its name. Texts are public."""

from typing import ClassVar

from app.kit.errors import Conflict, Forbidden, NotFound, SuishenError
from app.kit.structs import Text


class AppUnknown(NotFound):
    """No mini-app has that id."""

    slug: ClassVar[str] = "miniapp-unknown"
    title: ClassVar[Text] = Text(zh="没有这个应用", en="No such mini-app")


class VersionUnknown(NotFound):
    """The mini-app has no version with that code."""

    slug: ClassVar[str] = "miniapp-version-unknown"
    title: ClassVar[Text] = Text(zh="没有这个版本", en="No such version")


class OtherDepartment(Forbidden):
    """Only staff of the department that owns the mini-app may do this."""

    slug: ClassVar[str] = "miniapp-of-another-department"
    title: ClassVar[Text] = Text(zh="该应用属于其他部门", en="The mini-app belongs to another department")
    remedy: ClassVar[Text] = Text(zh="请由所属部门的开发人员操作。", en="Ask a developer of the owning department.")


class OrganizationNotActive(Conflict):
    """The department cannot offer mini-apps now."""

    slug: ClassVar[str] = "organization-not-active"
    title: ClassVar[Text] = Text(zh="该单位当前不可用", en="The organization is not active")
    remedy: ClassVar[Text] = Text(zh="请先完成单位核验。", en="Have the organization verified first.")


class AppIdTaken(Conflict):
    """App ids are for ever: nobody gets one twice."""

    slug: ClassVar[str] = "app-id-taken"
    title: ClassVar[Text] = Text(zh="应用标识已被注册", en="The app id is taken")
    remedy: ClassVar[Text] = Text(zh="请换一个反向域名标识。", en="Choose another reverse domain name.")


class ManifestInvalid(SuishenError):
    """The body is not an `ssb-manifest/1`."""

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "manifest-invalid"
    title: ClassVar[Text] = Text(zh="清单无法读取", en="The manifest cannot be read")
    remedy: ClassVar[Text] = Text(
        zh="请按 GET /v1/manifest-schema 检查，或运行 suishen miniapp lint。",
        en="Check it against GET /v1/manifest-schema, or run `suishen miniapp lint`.",
    )


class ManifestRefused(SuishenError):
    """The manifest can be read, and says things that do not go together. `findings` lists all of them."""

    status: ClassVar[int] = 422
    slug: ClassVar[str] = "manifest-refused"
    title: ClassVar[Text] = Text(zh="清单未通过检查", en="The manifest does not pass the checks")
    remedy: ClassVar[Text] = Text(
        zh="请按 findings 逐条修改后重新提交。", en="Mend what `findings` lists, then send it again."
    )


class VersionNotNewer(Conflict):
    """Version codes strictly increase."""

    slug: ClassVar[str] = "version-not-newer"
    title: ClassVar[Text] = Text(zh="版本号必须递增", en="The version code must increase")
    remedy: ClassVar[Text] = Text(
        zh="版本不可修改，请使用更大的版本号。", en="A version never changes: use a higher code."
    )


class StateConflict(Conflict):
    """The life cycle does not allow this step. `state` is where it stands."""

    slug: ClassVar[str] = "state-conflict"


class SelfReview(Forbidden):
    """Author and reviewer are different people."""

    slug: ClassVar[str] = "self-review"
    title: ClassVar[Text] = Text(zh="不能审核自己提交的版本", en="Nobody reviews their own version")
    remedy: ClassVar[Text] = Text(zh="请由另一位审核员审核。", en="Ask another reviewer.")


class ManifestHashMismatch(Conflict):
    """The reviewer signed another manifest than the one that stands here."""

    slug: ClassVar[str] = "manifest-hash-mismatch"
    title: ClassVar[Text] = Text(zh="清单摘要不一致", en="The manifest hash differs")
    remedy: ClassVar[Text] = Text(zh="请重新打开该版本后再审核。", en="Read the version again before you review it.")


class VersionNotApproved(Conflict):
    """Only an approved version reaches citizens."""

    slug: ClassVar[str] = "version-not-approved"
    title: ClassVar[Text] = Text(zh="该版本尚未通过审核", en="The version is not approved")
    remedy: ClassVar[Text] = Text(zh="请等待审核通过后再发布。", en="Wait for the approval, then publish.")


class ReleaseNotNewer(Conflict):
    """What is published is already this version, or a newer one."""

    slug: ClassVar[str] = "release-not-newer"
    title: ClassVar[Text] = Text(zh="已发布相同或更新的版本", en="This version or a newer one is published")
    remedy: ClassVar[Text] = Text(zh="请发布更新的版本。", en="Publish a newer version.")


class ReleaseUnknown(NotFound):
    """The mini-app has no release of that id."""

    slug: ClassVar[str] = "miniapp-release-unknown"
    title: ClassVar[Text] = Text(zh="没有这次发布", en="No such release")


class TrialNeeded(Conflict):
    """Citizens already use a version: the next one grows step by step, so that a mistake meets few."""

    slug: ClassVar[str] = "release-trial-needed"
    title: ClassVar[Text] = Text(zh="须先灰度发布", en="A trial comes first")
    remedy: ClassVar[Text] = Text(
        zh='请以 "to": "testers" 开始灰度发布，再逐级放量。', en='Start with `"to": "testers"`, then grow step by step.'
    )


class TrialRunning(Conflict):
    """Another release of the mini-app is on its way; one at a time."""

    slug: ClassVar[str] = "release-trial-running"
    title: ClassVar[Text] = Text(zh="已有灰度发布在进行", en="Another release is on trial")
    remedy: ClassVar[Text] = Text(zh="请先完成或撤回进行中的灰度发布。", en="Publish it or roll it back first.")


class StepNotNext(Conflict):
    """A release grows step by step. `next` is the share that comes now; null when it is to be published."""

    slug: ClassVar[str] = "release-step-not-next"
    title: ClassVar[Text] = Text(zh="不是下一级放量", en="Not the next step")
    remedy: ClassVar[Text] = Text(
        zh="请按 1、5、20、50、100 逐级放量，再全量发布。", en="Take the step named in `next`."
    )


class StepTooSoon(Conflict):
    """The present step has not been looked at for long enough; `ready_at` says from when on."""

    slug: ClassVar[str] = "release-step-too-soon"
    title: ClassVar[Text] = Text(zh="观察时间不足", en="Too soon for the next step")
    remedy: ClassVar[Text] = Text(zh="请在 ready_at 之后再放量。", en="Wait until `ready_at`.")


class ZonesNarrowed(Conflict):
    """Whoever has the release keeps it: `zones` are those it has reached."""

    slug: ClassVar[str] = "release-zones-narrowed"
    title: ClassVar[Text] = Text(zh="灰度区域只能扩大", en="Zones only grow")
    remedy: ClassVar[Text] = Text(
        zh="请包含已放量的全部区域；如需缩小请撤回。", en="Name all zones that it has reached, or roll it back."
    )


class NothingToGoBackTo(Conflict):
    """No version was published before this one."""

    slug: ClassVar[str] = "release-nothing-before"
    title: ClassVar[Text] = Text(zh="没有可回退的版本", en="There is no version to go back to")
    remedy: ClassVar[Text] = Text(
        zh="请暂停应用，或发布修正版本。", en="Suspend the mini-app, or publish a mended version."
    )


class InvitationInvalid(NotFound):
    """No open invitation has this code: it was used, taken back, is too old, or never was."""

    slug: ClassVar[str] = "tester-invitation-invalid"
    title: ClassVar[Text] = Text(zh="试用邀请无效", en="The invitation is not valid")
    remedy: ClassVar[Text] = Text(zh="请向部门索取新的邀请码。", en="Ask the department for a new one.")


class TesterUnknown(NotFound):
    """No such tester or invitation."""

    slug: ClassVar[str] = "tester-unknown"
    title: ClassVar[Text] = Text(zh="没有这名试用者", en="No such tester")


class TooManyTesters(Conflict):
    """A trial is for a few; a share of the citizens comes after."""

    slug: ClassVar[str] = "too-many-testers"
    title: ClassVar[Text] = Text(zh="试用者已满", en="Too many testers")
    remedy: ClassVar[Text] = Text(zh="请先移除不再参与的试用者。", en="Remove those who no longer take part.")


class SunsetTooSoon(Conflict):
    """Citizens are told a good while before a service ends. `earliest` is the first moment that keeps to it."""

    slug: ClassVar[str] = "sunset-too-soon"
    title: ClassVar[Text] = Text(zh="下线时间过早", en="That is too soon to end")
    remedy: ClassVar[Text] = Text(
        zh="请选择 earliest 之后的时间；紧急情况请由审核员停用。",
        en="Choose a time after `earliest`; when it is urgent, a reviewer suspends.",
    )


class SuccessorUnknown(Conflict):
    """What follows a service that ends is there already, and stays."""

    slug: ClassVar[str] = "successor-unknown"
    title: ClassVar[Text] = Text(zh="接替应用不存在或也将下线", en="The successor is not there, or ends as well")
    remedy: ClassVar[Text] = Text(zh="请填写已发布且不会下线的应用。", en="Name a published mini-app that stays.")


class EmergencyUnknown(NotFound):
    """The mini-app is no emergency registration."""

    slug: ClassVar[str] = "emergency-unknown"
    title: ClassVar[Text] = Text(zh="该应用不是应急登记", en="The mini-app is no emergency registration")


class EmergencyTooLong(Conflict):
    """An emergency lasts at most 180 days at a time. `latest` is the last moment that may be asked for now."""

    slug: ClassVar[str] = "emergency-too-long"
    title: ClassVar[Text] = Text(zh="应急登记期限过长", en="An emergency registration may not last that long")
    remedy: ClassVar[Text] = Text(
        zh="期限须在未来 180 天之内。", en="Choose an end in the future, at most 180 days from now."
    )


class EmergencyFixed(Conflict):
    """Whether a mini-app is an emergency, and until when, is not for a new version to change."""

    slug: ClassVar[str] = "emergency-fixed"
    title: ClassVar[Text] = Text(zh="不能用新版本改变应急性质或期限", en="A version does not change an emergency")
    remedy: ClassVar[Text] = Text(
        zh="延期须由两位审核员决定；常设服务请另行注册应用。",
        en="Two reviewers extend it; a permanent service is another mini-app.",
    )


class ExtensionUnknown(NotFound):
    """No extension waits for a decision."""

    slug: ClassVar[str] = "extension-unknown"
    title: ClassVar[Text] = Text(zh="没有待决定的延期", en="No extension waits for a decision")


class ExtensionWaits(Conflict):
    """One proposal at a time."""

    slug: ClassVar[str] = "extension-waits"
    title: ClassVar[Text] = Text(zh="已有延期提议待决定", en="An extension waits for its decision already")


class SelfDecision(Forbidden):
    """Who proposes does not decide."""

    slug: ClassVar[str] = "self-decision"
    title: ClassVar[Text] = Text(zh="不能决定自己的提议", en="Nobody decides what they proposed")
    remedy: ClassVar[Text] = Text(zh="请由另一位审核员决定。", en="Ask another reviewer.")


class DeletionNotDue(Conflict):
    """Deletion is proven once, after the end."""

    slug: ClassVar[str] = "deletion-not-due"
    title: ClassVar[Text] = Text(zh="现在不能提交删除证明", en="No proof of deletion is due now")
    remedy: ClassVar[Text] = Text(
        zh="应急登记到期后提交一次；已提交的不再更改。", en="Prove it once, after the end; a proof is not replaced."
    )


class ReceiptInvalid(SuishenError):
    """What is said to be signed by the department is not, or is about something else."""

    status: ClassVar[int] = 422
    slug: ClassVar[str] = "receipt-invalid"
    title: ClassVar[Text] = Text(zh="部门签名的凭证无效", en="The department's signed receipt is not valid")
    remedy: ClassVar[Text] = Text(
        zh="请使用清单 backend.keys 中的密钥按文档签名。",
        en="Sign it as documented, with a key of the manifest's `backend.keys`.",
    )


class ReportOnAnotherManifest(Conflict):
    """A conformance report names the manifest that it is about, and it is not this one."""

    slug: ClassVar[str] = "report-on-another-manifest"
    title: ClassVar[Text] = Text(zh="符合性报告不是针对该清单", en="The conformance report is on another manifest")
    remedy: ClassVar[Text] = Text(
        zh="请用当前清单重新运行 suishen miniapp test。", en="Run `suishen miniapp test` again with this very manifest."
    )


class ReportInconsistent(SuishenError):
    """A conformance report says what its own cases do not."""

    status: ClassVar[int] = 422
    slug: ClassVar[str] = "report-inconsistent"
    title: ClassVar[Text] = Text(zh="符合性报告前后不一致", en="The conformance report contradicts itself")
    remedy: ClassVar[Text] = Text(
        zh="请原样提交 suishen miniapp test 生成的 JSON 报告。",
        en="Hand in the JSON report of `suishen miniapp test` as it was written.",
    )


class SandboxAddressMissing(Conflict):
    """The manifest names no test server."""

    slug: ClassVar[str] = "sandbox-address-missing"
    title: ClassVar[Text] = Text(zh="清单没有声明测试服务器", en="The manifest names no test server")
    remedy: ClassVar[Text] = Text(
        zh="请在清单 backend.base_url.sandbox 写明测试地址。",
        en="Name it in the manifest's `backend.base_url.sandbox`.",
    )


class RouteNotDeclared(NotFound):
    """Nothing that the manifest does not declare reaches a department, in the sandbox either."""

    slug: ClassVar[str] = "route-not-declared"
    title: ClassVar[Text] = Text(zh="清单没有声明这条路由", en="The manifest declares no such route")
    remedy: ClassVar[Text] = Text(
        zh="请使用清单 backend.routes 中整体收发的路由。", en="Ask a route of `backend.routes` that is not streamed."
    )


class SandboxUnanswered(SuishenError):
    """The department's test server gave no whole answer; `trouble` is why."""

    status: ClassVar[int] = 502
    slug: ClassVar[str] = "sandbox-unanswered"
    title: ClassVar[Text] = Text(zh="测试服务器没有完整应答", en="The test server gave no whole answer")
    remedy: ClassVar[Text] = Text(
        zh="请检查 trouble：地址、超时、过大或断开。", en="See `trouble`: address, time, size, or a broken connection."
    )


class RatingNotOffered(Conflict):
    """The mini-app does not ask for ratings."""

    slug: ClassVar[str] = "rating-not-offered"
    title: ClassVar[Text] = Text(zh="该应用未开放评价", en="The mini-app takes no ratings")


class ItemUnknown(NotFound):
    """The mini-app has no such service item."""

    slug: ClassVar[str] = "item-unknown"
    title: ClassVar[Text] = Text(zh="该应用没有这个事项", en="The mini-app has no such item")


class NothingToRate(Conflict):
    """Who has not used a service has no act of it to rate."""

    slug: ClassVar[str] = "nothing-to-rate"
    title: ClassVar[Text] = Text(zh="没有可评价的办理", en="There is no act of yours to rate")
    remedy: ClassVar[Text] = Text(
        zh="请在使用后 30 天内评价，或附上部门的办理凭证。",
        en="Rate within 30 days of using it, or send the department's receipt.",
    )


class ActRated(Conflict):
    """One act, one rating."""

    slug: ClassVar[str] = "act-rated"
    title: ClassVar[Text] = Text(zh="该次办理已评价", en="That act is rated already")


class RatingUnknown(NotFound):
    """There is no such rating, or it is somebody else's."""

    slug: ClassVar[str] = "rating-unknown"
    title: ClassVar[Text] = Text(zh="没有这条评价", en="No such rating")


class RatingSettled(Conflict):
    """Nothing of this kind is due on the rating. `call_back` is where it stands."""

    slug: ClassVar[str] = "rating-settled"
    title: ClassVar[Text] = Text(zh="该评价无需或已完成此操作", en="That is not due, or was done")
