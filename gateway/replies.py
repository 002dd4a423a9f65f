"""What goes back to a citizen: a department's answer as the allow-lists and masks leave it, or a refusal of ours."""

from typing import Any, Final

from app.kit.errors import SuishenError
from app.kit.http import problem_bytes
from app.kit.structs import Model
from gateway import errors
from gateway.asgi import BY_GATEWAY, Headers, find_header
from gateway.exchange import Answer
from gateway.headers import headers_to_citizen, with_sunset
from gateway.policy import Decision
from gateway.routing import Match, fallback
from miniapps.manifest.masking import NotMaskable, mask_answer

NO_CONTENT: Final = frozenset({204, 304})
FIRST_ERROR: Final = 400
BY_DEPARTMENT: Final = (b"ssb-error-origin", b"department")


class Reply(Model):
    """A whole answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def passed_on(answer: Answer, method: str, decision: Decision) -> Reply:
    """The department's answer as the citizen may see it; raises `AnswerNotMaskable`."""
    headers = head_of(answer.status, answer.headers, decision)
    if not has_body(answer.status, method):
        return Reply(status=answer.status, headers=headers, body=b"")
    body = _masked(answer, decision.match)
    headers.append((b"content-length", b"%d" % len(body)))
    return Reply(status=answer.status, headers=headers, body=body)


def head_of(status: int, headers: Headers, decision: Decision) -> list[tuple[bytes, bytes]]:
    """The headers of an answer that may be passed on; its length is not among them."""
    passed = headers_to_citizen(headers, personal=decision.principal is not None)
    if decision.match.app.ending is not None:
        passed = with_sunset(passed, decision.match.app.ending.at)
    if status >= FIRST_ERROR:
        passed.append(BY_DEPARTMENT)
    return passed


def has_body(status: int, method: str) -> bool:
    """Whether an answer with this status to this method has one (RFC 9110, section 6.4.1)."""
    return method != "HEAD" and status not in NO_CONTENT


def _masked(answer: Answer, match: Match) -> bytes:
    """The body as the manifest lets it be seen: errors are masked too, for they may quote what they refuse."""
    if not match.route.masks:
        return answer.body
    try:
        return mask_answer(answer.status, answer.headers, answer.body, match.route.masks)
    except NotMaskable as problem:
        app = match.app
        raise errors.AnswerNotMaskable(app_id=app.app_id, reason=str(problem), fallback=fallback(app)) from None


def refused(refusal: SuishenError, request_headers: Headers) -> Reply:
    """A problem document in the language that the request prefers."""
    language = find_header(request_headers, b"accept-language")
    status, headers, body = problem_bytes(refusal, None if language is None else language.decode("latin-1"))
    allow: Any = refusal.extensions.get("allow")
    more = [(b"allow", allow.encode())] if isinstance(allow, str) else []
    return Reply(status=status, headers=[*headers, *more, BY_GATEWAY], body=body)
