"""Errors as facts with a name.

SuishenError
 ├─ InvalidRequest 400      ├─ Unauthenticated 401   ├─ Forbidden 403 ─ StepUpRequired 403
 ├─ NotFound 404            ├─ Conflict 409          ├─ RateLimited 429
 └─ TemporarilyUnavailable 503, InternalError 500

Each has a stable slug (its problem type is `/problems/{slug}`), a title, and a remedy: what the reader can do.
The texts are public. Personal data never stands in one.
"""

from typing import Any, ClassVar

from app.kit.structs import Text


class SuishenError(Exception):
    """A refusal that has a name. Subclasses fix the facts; an instance may add a detail and extensions."""

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "invalid-request"
    title: ClassVar[Text] = Text(zh="请求无效", en="Invalid request")
    remedy: ClassVar[Text] = Text(zh="请检查请求内容后重试。", en="Check the request and send it again.")
    challenge: ClassVar[str] = "Bearer"  # the scheme that a 401 names (RFC 9110, section 15.5.2)

    def __init__(self, detail: Text | None = None, *, retry_after: int | None = None, **extensions: Any) -> None:
        super().__init__(self.slug)
        self.detail = detail
        self.retry_after = retry_after
        self.extensions = extensions


class InvalidRequest(SuishenError):
    """The request cannot be understood, whoever sends it."""


class FieldsInvalid(InvalidRequest):
    """The body or the parameters do not have the shape that the API reference gives. `errors` says where and how."""

    slug = "fields-invalid"
    title = Text(zh="字段不符合要求", en="Some fields are not as they should be")
    remedy = Text(zh="请按接口文档修改所列字段。", en="Correct the listed fields; the API reference has their shapes.")


class BodyTooLarge(InvalidRequest):
    status = 413
    slug = "body-too-large"
    title = Text(zh="请求内容过大", en="The request is too large")
    remedy = Text(zh="请缩小请求内容。", en="Send less at once.")


class MediaTypeUnsupported(InvalidRequest):
    status = 415
    slug = "media-type-unsupported"
    title = Text(zh="不支持的内容类型", en="This content type is not understood")
    remedy = Text(zh="请使用 application/json。", en="Send application/json.")


class Unauthenticated(SuishenError):
    """Nobody has shown who they are, or what they showed is not valid (any more)."""

    status = 401
    slug = "unauthenticated"
    title = Text(zh="请先登录", en="Sign in first")
    remedy = Text(
        zh="请登录，或用刷新令牌换取新的访问令牌。", en="Sign in, or use the refresh token for a new access token."
    )


class Forbidden(SuishenError):
    """The caller is known and may not do this."""

    status = 403
    slug = "forbidden"
    title = Text(zh="无权进行此操作", en="Not allowed")
    remedy = Text(
        zh="请使用有权限的账号，或联系管理员。", en="Use an account that may do this, or ask an administrator."
    )


class StepUpRequired(Forbidden):
    """The caller may do this after showing once more, or better, who they are."""

    slug = "step-up-required"
    title = Text(zh="请再次验证身份", en="Confirm it is you")
    remedy = Text(zh="请重新验证身份后再试。", en="Authenticate again, then repeat the request.")


class NotFound(SuishenError):
    """There is no such thing, or none that the caller may know of."""

    status = 404
    slug = "not-found"
    title = Text(zh="未找到", en="Not found")
    remedy = Text(zh="请检查地址或编号。", en="Check the address or the identifier.")


class Conflict(SuishenError):
    """The thing is not in a state that allows this."""

    status = 409
    slug = "conflict"
    title = Text(zh="当前状态不允许此操作", en="The present state does not allow this")
    remedy = Text(zh="请刷新后查看最新状态。", en="Read the present state and decide again.")


class RateLimited(SuishenError):
    """Too often."""

    status = 429
    slug = "rate-limited"
    title = Text(zh="操作过于频繁", en="Too many requests")
    remedy = Text(zh="请稍后再试。", en="Wait for the time in Retry-After, then try again.")


class InternalError(SuishenError):
    """Our fault. What happened is in the log under the request's id, never in the answer."""

    status = 500
    slug = "internal-error"
    title = Text(zh="系统出错", en="Something went wrong here")
    remedy = Text(
        zh="请稍后再试；如仍出错，请提供请求编号。", en="Try again later; if it persists, quote the request id."
    )


class TemporarilyUnavailable(SuishenError):
    """Not now; nothing was done."""

    status = 503
    slug = "temporarily-unavailable"
    title = Text(zh="服务暂时不可用", en="Temporarily unavailable")
    remedy = Text(zh="请稍后重试，本次操作未生效。", en="Nothing was done; try again shortly.")


def known_errors() -> dict[str, type[SuishenError]]:
    """Every error class that has been imported, by slug: the catalogue behind `/problems/{slug}`."""
    found: dict[str, type[SuishenError]] = {}
    waiting = [SuishenError]
    while waiting:
        error = waiting.pop()
        found.setdefault(error.slug, error)
        waiting.extend(error.__subclasses__())
    return found
