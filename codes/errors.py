"""Refusals of the codes package that are about requests, not about codes: a code that is wrong is a verdict."""

from app.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound, RateLimited, SuishenError
from app.kit.structs import Text


class ShardUnknown(NotFound):
    """No code in use has its status in this shard."""

    slug = "status-shard-unknown"
    title = Text(zh="没有这个状态分片", en="No such status shard")
    remedy = Text(zh="请从 GET /v1/status 查看正在使用的分片。", en="GET /v1/status names the shards in use.")


class ChangesForgotten(SuishenError):
    """The steps after this one are no longer kept, or never were."""

    status = 410
    slug = "status-changes-forgotten"
    title = Text(zh="这之后的状态变更已不再保留", en="The changes after this step are no longer kept")
    remedy = Text(
        zh="请重新下载全部状态表（GET /v1/status），再从其中的步号继续。",
        en="Pull the whole status lists (GET /v1/status), and go on from the step that they name.",
    )


class GrantRequestInvalid(InvalidRequest):
    """The request is not signed by the device's key, is meant for somebody else, is old, or names bad keys."""

    slug = "grant-request-invalid"
    title = Text(zh="码凭证申请无效", en="The grant request is not valid")
    remedy = Text(
        zh="请由已登记设备的密钥签名（typ 为 grant-request+jwt），附 8 个全新且互不相同的 P-256 公钥，5 分钟内提交。",
        en="Sign with the enrolled device's key (typ grant-request+jwt), bring 8 new and different P-256 public keys, "
        "and send it within 5 minutes.",
    )


class GrantRequestReused(Conflict):
    """This signed request was used before."""

    slug = "grant-request-reused"
    title = Text(zh="该申请已使用过", en="This grant request was used before")
    remedy = Text(
        zh="请生成新的密钥和新的 jti；重试同一请求请带 Idempotency-Key。",
        en="Make new keys and a new jti; to repeat the same request safely, send an Idempotency-Key.",
    )


class GrantsExhausted(RateLimited):
    """The device has had all its batches of today."""

    slug = "grants-exhausted"
    title = Text(zh="今日码凭证已领完", en="No more grants today")
    remedy = Text(
        zh="手机上已有的码凭证仍可使用；也可出示证件或到人工窗口。",
        en="The grants on the phone still work; a document or the counter works too.",
    )


class DeviceNotReady(Forbidden):
    """The device is not the caller's, is still waiting, or has been revoked."""

    slug = "device-not-ready"
    title = Text(zh="该设备不能领取码凭证", en="This device cannot get grants")
    remedy = Text(
        zh="请使用本人已生效的设备；新设备需等待生效，或到人工窗口办理。",
        en="Use an active device of your own; a further device waits first, or go to the counter.",
    )


class NotTheGuardian(Forbidden):
    """The caller is not, or no longer, the guardian of the person they ask a code for."""

    slug = "not-the-guardian"
    title = Text(zh="您不是该孩子的监护人", en="You are not this child's guardian")
    remedy = Text(
        zh="请先在“我的孩子”中添加（POST /v1/me/children）；年满 18 周岁者由本人亮码。",
        en="Add the child first (POST /v1/me/children); whoever is 18 shows a code of their own.",
    )


class CodesFrozen(Forbidden):
    """A counter has frozen the codes of the caller, or of the child they ask a code for."""

    slug = "codes-frozen"
    title = Text(zh="随申码已被冻结", en="The codes are frozen")
    remedy = Text(
        zh="原因和申诉方式见 GET /v1/codes/freezes；办事仍可出示证件。",
        en="GET /v1/codes/freezes says why and takes an appeal; a document still works everywhere.",
    )
