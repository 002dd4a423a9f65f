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
