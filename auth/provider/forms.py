"""Parameters of OAuth endpoints, read strictly: form-encoded, bounded, none of them twice (RFC 6749, section 3.2)."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Request
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

FORM: Final = "application/x-www-form-urlencoded"
LONGEST_FORM: Final = 16_384
MOST_PARAMETERS: Final = 32
_NUL: Final = "\x00"


async def read_form(request: Request[Any, Any, Any]) -> dict[str, str] | None:
    """The parameters of the body, empty ones left out; None when it is no such form or names one twice."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if media_type != FORM or len(body) > LONGEST_FORM:
        return None
    return _parse(body)


def read_query(request: Request[Any, Any, Any]) -> dict[str, str] | None:
    """The parameters of the query, likewise."""
    raw: bytes = request.scope["query_string"]
    return _parse(raw) if len(raw) <= LONGEST_FORM else None


def _parse(raw: bytes) -> dict[str, str] | None:
    try:
        pairs = parse_qsl(raw.decode("ascii"), max_num_fields=MOST_PARAMETERS, errors="strict")
    except ValueError:
        return None
    form = dict(pairs)
    clean = len(form) == len(pairs) and not any(_NUL in value for value in form.values())
    return form if clean else None


def takes_form(*needed: str, fields: tuple[str, ...] = ()) -> type[Operation]:
    """Says in OpenAPI that a route's body is a form: the handler reads it itself, because its errors are OAuth's."""
    text = Schema(type=OpenAPIType.STRING)
    form = Schema(type=OpenAPIType.OBJECT, properties=dict.fromkeys((*needed, *fields), text), required=list(needed))
    example = Example(value=dict.fromkeys(needed, "…"))
    body = RequestBody(content={FORM: OpenAPIMediaType(schema=form, examples={"form": example})}, required=True)

    @dataclass
    class TakesForm(Operation):
        def __post_init__(self) -> None:
            self.request_body = body

    return TakesForm
