"""How a picture leaves over HTTP: under its own name, never sniffed, never run, asked for again only if it changed."""

import hashlib
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from app.kit.etags import NOT_MODIFIED, is_current
from codes.pictures.studio import WRITERS, Picture

LOCKED = "default-src 'none'; sandbox"
"""An SVG opened by itself is a document: this one runs nothing, loads nothing and is nobody's frame."""


@dataclass
class ShowsPicture(Operation):
    """Says in OpenAPI that the answer is a picture in the form that was asked for."""

    def __post_init__(self) -> None:
        """Describes the answers."""
        drawn = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        forms = {media_type: OpenAPIMediaType(schema=drawn) for media_type, _write in WRITERS.values()}
        self.responses = {
            "200": OpenAPIResponse("The picture", content=forms),
            "304": OpenAPIResponse("The caller's copy is the present one"),
        }


def picture_response(picture: Picture, name: str, request: Request[Any, Any, Any]) -> Response[Any]:
    """The picture as a file `name`.png, .svg or .pdf; 304 for a caller who has it. `name` is ours, never a person's."""
    headers = {
        "ETag": f'"{hashlib.sha256(picture.content).hexdigest()[:32]}"',
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": LOCKED,
        "X-Content-Type-Options": "nosniff",
    }
    if is_current(request.headers.get("if-none-match"), headers["ETag"]):
        return Response[Any](None, status_code=NOT_MODIFIED, headers=headers)
    headers["Content-Disposition"] = f'inline; filename="{name}.{picture.form}"'
    return Response(picture.content, media_type=picture.media_type, headers=headers)
