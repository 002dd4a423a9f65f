"""Refusals of the codes package that are about requests, not about codes: a code that is wrong is a verdict."""

from app.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound, RateLimited
from app.kit.structs import Text


class ShardUnknown(NotFound):
    """No code in use has its status in this shard."""

    slug = "status-shard-unknown"
    title = Text(zh="没有这个状态分片", en="No such status shard")
    remedy = Text(zh="请从 GET /v1/status 查看正在使用的分片。", en="GET /v1/status names the shards in use.")


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
