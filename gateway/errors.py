"""The gateway's refusals, each a named fact. Refuses to say what a department or a person sent.

SuishenError
 ├─ MalformedRequest 400 ─ AmbiguousPath, AmbiguousQuery, BadHost, BadHeader, BrokenBody
 ├─ MethodRefused 405, UploadTooSlow 408, BodyTooLarge 413, AddressTooLong 414, WrongHost 421,
 ├─ HeadersTooLarge 431
 ├─ UnknownService 404, UnknownServicePath 404, NoPages 404, TrialOver 404, BasisMissing 403, ServiceSuspended 503,
 ├─ ReleaseTakenBack 503
 ├─ NotAWebSocket 400, DepartmentDeclined 502
 ├─ DepartmentUnreachable 502, DepartmentHungUp 502, DepartmentMisbehaved 502, AnswerNotMaskable 502
 └─ DepartmentBusy 503, DepartmentTimedOut 504, Overloaded 503
"""

from app.kit.errors import Forbidden, InvalidRequest, NotFound, SuishenError, TemporarilyUnavailable
from app.kit.structs import Text


class MalformedRequest(InvalidRequest):
    """The request is not one that every server on its way would read alike."""

    slug = "malformed-request"
    title = Text(zh="请求格式有误", en="Malformed request")
    remedy = Text(zh="请按 HTTP/1.1 规范重新构造请求。", en="Build the request as HTTP/1.1 prescribes.")


class AmbiguousPath(MalformedRequest):
    """The path could mean one thing to the policy and another to the department."""

    slug = "ambiguous-path"
    title = Text(zh="路径有歧义", en="Ambiguous path")
    remedy = Text(
        zh="路径中请勿使用 //、/.、/..、分号、反斜杠、编码后的点或斜杠、控制字符及未编码的非 ASCII 字符。",
        en="Use no //, /., /.., semicolon, backslash, encoded dot or slash, control or raw non-ASCII character.",
    )


class AmbiguousQuery(MalformedRequest):
    """The query has bytes that servers read differently."""

    slug = "ambiguous-query"
    title = Text(zh="查询参数有歧义", en="Ambiguous query")
    remedy = Text(
        zh="请将查询参数按 UTF-8 百分号编码；不得包含控制字符。",
        en="Percent-encode the query as UTF-8, without control characters.",
    )


class BadHost(MalformedRequest):
    """Host is missing, stands twice, or is not a host."""

    slug = "bad-host"
    title = Text(zh="Host 请求头有误", en="Bad Host header")
    remedy = Text(zh="请发送且只发送一个合法的 Host 请求头。", en="Send exactly one valid Host header.")


class BadHeader(MalformedRequest):
    """A header's name or value is one that servers read differently."""

    slug = "bad-header"
    title = Text(zh="请求头有误", en="Bad header")
    remedy = Text(
        zh="请求头名称不得含下划线；值不得含控制字符；不得重复发送单值请求头。",
        en="No underscore in names, no control characters in values, no single-valued header sent twice.",
    )


class BrokenBody(MalformedRequest):
    """The body's chunks are none, or end before the last one."""

    slug = "broken-body"
    title = Text(zh="请求内容不完整", en="Broken request body")
    remedy = Text(
        zh="请按 HTTP/1.1 规范分块，并发送到最后一块。",
        en="Send the body in chunks as HTTP/1.1 prescribes, to the last one.",
    )


class MethodRefused(SuishenError):
    """The method is none that the city answers."""

    status = 405
    slug = "method-refused"
    title = Text(zh="不支持该请求方法", en="Method not allowed")
    remedy = Text(
        zh="请使用该路径允许的大写方法：GET、HEAD、POST、PUT、PATCH、DELETE、OPTIONS。",
        en="Use a method this path allows, in upper case: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS.",
    )


class UploadTooSlow(SuishenError):
    """The body did not arrive in the time that one place can be held for it."""

    status = 408
    slug = "upload-too-slow"
    title = Text(zh="请求内容上传超时", en="The request took too long to arrive")
    remedy = Text(zh="请检查网络后重试。", en="Check the network and send it again.")


class BodyTooLarge(SuishenError):
    """The body is larger than this place takes."""

    status = 413
    slug = "body-too-large"
    title = Text(zh="请求内容过大", en="Request body too large")
    remedy = Text(zh="请缩小请求内容后重试。", en="Send a smaller body.")


class AddressTooLong(SuishenError):
    """Path and query are longer than any of ours."""

    status = 414
    slug = "address-too-long"
    title = Text(zh="请求地址过长", en="Address too long")
    remedy = Text(zh="请缩短路径或查询参数，或改用请求体。", en="Shorten path or query, or use the body.")


class WrongHost(SuishenError):
    """Department content is not served on the city's own origin, nor the city's own on the departments'."""

    status = 421
    slug = "wrong-host"
    title = Text(zh="请求的域名不提供该服务", en="Not served on this host")
    remedy = Text(
        zh="部门服务请访问 apps 域名，其余接口请访问主域名。",
        en="Call departments on the apps host, and everything else on the main host.",
    )


class HeadersTooLarge(SuishenError):
    """Too many headers, or too many bytes of them."""

    status = 431
    slug = "headers-too-large"
    title = Text(zh="请求头过大", en="Request headers too large")
    remedy = Text(zh="请减少请求头的数量或长度。", en="Send fewer or shorter headers.")


class UnknownService(NotFound):
    """No published service of this name, for this caller."""

    slug = "service-unknown"
    title = Text(zh="没有这项服务", en="No such service")
    remedy = Text(
        zh="请在服务目录中查找，或前往政务服务大厅、拨打 12345 咨询。",
        en="Look in the list of services, or ask at a service hall or hotline 12345.",
    )


class UnknownServicePath(NotFound):
    """The service has no such path in its approved manifest."""

    slug = "service-path-unknown"
    title = Text(zh="该服务没有此接口", en="The service has no such path")
    remedy = Text(zh="只能调用服务清单中登记的接口。", en="Only paths of the approved manifest can be called.")


class NoPages(NotFound):
    """The mini-app shows no pages of its own: it is reached in the city's app."""

    slug = "no-pages"
    title = Text(zh="该服务没有网页", en="This service has no pages")
    remedy = Text(zh="请在市民应用中办理。", en="Open the service in the city's app.")


class TrialOver(NotFound):
    """These pages were a release's on trial. It was published, or taken back."""

    slug = "trial-over"
    title = Text(zh="试用已结束", en="This trial is over")
    remedy = Text(zh="请从服务目录重新打开该服务。", en="Open the service from the list of services again.")


class ServiceSuspended(TemporarilyUnavailable):
    """The service was taken away for now; says why and what is the other way."""

    slug = "service-suspended"
    title = Text(zh="服务已暂停", en="Service suspended")
    remedy = Text(zh="请使用提示的其他办理方式。", en="Use the other way that is named.")


class ReleaseTakenBack(TemporarilyUnavailable):
    """The trial release that served this conversation was taken back; the published one serves the next."""

    slug = "release-taken-back"
    title = Text(zh="试用版本已撤回", en="The trial release was taken back")
    remedy = Text(zh="请重新发起请求，将由正式版本提供服务。", en="Ask again: the published release will answer.")


class BasisMissing(Forbidden):
    """There is no legal basis or consent for what the route needs to know."""

    slug = "basis-missing"
    title = Text(zh="尚未授权", en="No consent or legal basis")
    remedy = Text(
        zh="请在授权管理中确认授权；也可选择线下窗口办理。",
        en="Give your consent first, or go to a counter instead.",
    )


class NotAWebSocket(InvalidRequest):
    """Nobody at this address speaks WebSocket: it is none of a department's, or no streamed route."""

    slug = "not-a-websocket"
    title = Text(zh="此地址不支持 WebSocket", en="No WebSocket here")
    remedy = Text(
        zh="请以普通 HTTP 请求访问；只有清单中声明为流式的 GET 接口支持 WebSocket。",
        en="Make a plain HTTP request; only streamed GET routes of a manifest speak WebSocket.",
    )


class DepartmentDeclined(SuishenError):
    """The department did not open the conversation. That is its right, and no fault."""

    status = 502
    slug = "department-declined"
    title = Text(zh="部门服务未接受连接", en="The department's service declined the connection")
    remedy = Text(zh="请核对请求内容；可改用其他办理方式。", en="Check what is asked for, or use the other way.")


class DepartmentFault(SuishenError):
    """The department's backend did not answer as it must. Nothing of its text is passed on."""

    status = 502
    slug = "department-fault"
    title = Text(zh="部门服务出现故障", en="The department's service failed")
    remedy = Text(zh="请稍后再试，或使用其他办理方式。", en="Try again later, or use the other way.")


class DepartmentUnreachable(DepartmentFault):
    """No connection to the department's backend, or not one that may be made."""

    slug = "department-unreachable"
    title = Text(zh="无法连接部门服务", en="The department's service cannot be reached")


class DepartmentMisbehaved(DepartmentFault):
    """The answer was broken, too large, or not what was agreed."""

    slug = "department-misbehaved"
    title = Text(zh="部门服务响应异常", en="The department's answer was not acceptable")


class DepartmentHungUp(DepartmentFault):
    """The connection ended before any answer came."""

    slug = "department-hung-up"
    title = Text(zh="部门服务中断了连接", en="The department's service hung up")


class AnswerNotMaskable(DepartmentFault):
    """The manifest has something masked in this answer, and the answer cannot be read with certainty."""

    slug = "answer-not-maskable"
    title = Text(zh="部门服务响应无法脱敏", en="The department's answer could not be masked")


class DepartmentTimedOut(DepartmentFault):
    """The department did not answer in the time its manifest names."""

    status = 504
    slug = "department-timed-out"
    title = Text(zh="部门服务响应超时", en="The department's service took too long")


class DepartmentBusy(TemporarilyUnavailable):
    """The department is resting after failures, or has all the calls it can take."""

    slug = "department-busy"
    title = Text(zh="部门服务繁忙", en="The department's service is busy")
    remedy = Text(zh="请稍后再试，或使用其他办理方式。", en="Try again shortly, or use the other way.")


class Overloaded(TemporarilyUnavailable):
    """More comes than can be done in time; what matters most is done first."""

    slug = "overloaded"
    title = Text(zh="系统繁忙", en="Too busy at the moment")
    remedy = Text(
        zh="请按 Retry-After 所示秒数后重试；亮码可离线使用，急事请到政务服务大厅或拨打 12345。",
        en="Try again after the seconds in Retry-After. Codes show offline; if urgent, go to a hall or call 12345.",
    )


class UnacceptableAddress(InvalidRequest):
    """A backend's address leads to a place that the operator's network policy does not allow."""

    slug = "unacceptable-address"
    title = Text(zh="后端地址不被允许", en="The backend's address is not allowed")
    remedy = Text(
        zh="请使用公网域名，或请运营方在网络策略中登记该地址。",
        en="Use a public domain name, or have the operator name the address in the network policy.",
    )
