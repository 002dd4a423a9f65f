"""Answers that a reader keeps: whoever has the present version gets no body."""

import hashlib
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import HeaderParameter

from app.kit.etags import NOT_MODIFIED, is_current

IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match", required=False)]


def tagged(content: Any, if_none_match: str | None, *, private: bool = False) -> Response[Any]:
    """`content` with its ETag; `private` when it is made for one subject and nobody else may be given the copy."""
    etag = '"' + hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:32] + '"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache" if private else "no-cache"}
    if is_current(if_none_match, etag):
        return Response(None, status_code=NOT_MODIFIED, headers=headers)
    return Response(content, headers=headers)
