"""The OpenAPI document of the routes, and what holds for every operation: who may call, how it refuses, an example.

Read off the handlers themselves, so that the reference cannot say something else than the routes do. Invents nothing.
"""

from typing import Any, Final

from litestar import Litestar
from litestar._openapi.plugin import OpenAPIPlugin
from litestar.config.app import AppConfig
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import (
    Components,
    OpenAPI,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Reference,
    Responses,
    Schema,
    SecurityRequirement,
    SecurityScheme,
)
from litestar.openapi.spec.enums import OpenAPIType

from app.api_examples import EXAMPLES
from app.kit.bodies import JSON
from app.kit.http import PROBLEM_JSON
from auth.guards import public
from codes.venues.scanners.guards import known_scanner, scanner

NOBODY: Final[list[SecurityRequirement]] = []
SIGNED_IN: Final[list[SecurityRequirement]] = [{"dpop": []}, {"bearer": []}]
SCANNERS: Final[list[SecurityRequirement]] = [{"scanner": []}]

SCHEMES: Final[dict[str, SecurityScheme | Reference]] = {
    "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT", description="An access token."),
    "dpop": SecurityScheme(
        type="http",
        scheme="DPoP",
        bearer_format="JWT",
        description="An access token bound to a key, with a proof in the header `DPoP` of each request (RFC 9449).",
    ),
    "scanner": SecurityScheme(
        type="apiKey",
        security_scheme_in="header",
        name="Signature",
        description="Signed by an enrolled device over @method, @authority, @path, @query and content-digest "
        "(RFC 9421), tag `suishen-scanner`.",
    ),
}

PROBLEM: Final = Schema(
    type=OpenAPIType.OBJECT,
    description="A problem document (RFC 9457). `type` opens a page that says what to do.",
    properties={
        "type": Schema(type=OpenAPIType.STRING, description="/problems/{slug}"),
        "title": Schema(type=OpenAPIType.STRING),
        "status": Schema(type=OpenAPIType.INTEGER),
        "detail": Schema(type=OpenAPIType.STRING),
        "remedy": Schema(type=OpenAPIType.STRING),
    },
    required=["type", "title", "status", "detail", "remedy"],
    examples=[
        {
            "type": "/problems/unauthenticated",
            "title": "请先登录",
            "status": 401,
            "detail": "请求没有带访问令牌（Authorization 头）。",
            "remedy": "请登录，或用刷新令牌换取新的访问令牌。",
        }
    ],
)


def describe(litestar: Litestar, *, title: str) -> dict[str, Any]:
    """The document, when all routes stand. It takes as long as a hundred requests: not for the event loop."""
    config = OpenAPIConfig(
        title=title,
        version="0.1.0",
        description="城市超级应用的后端接口。The backend of a city's super-app.",
        components=Components(security_schemes=SCHEMES),
        use_handler_docstrings=True,
    )
    # Configured in the application, the plugin would also serve the document, uncompleted, at routes of its own.
    plugin = OpenAPIPlugin(litestar)
    plugin.on_app_init(AppConfig(openapi_config=config))
    for route in litestar.routes:
        plugin.receive_route(route)
    document = plugin.provide_openapi()
    _complete(document, litestar)
    return document.to_schema()


def _complete(document: OpenAPI, litestar: Litestar) -> None:
    schemas = document.components.schemas
    schemas["Problem"] = PROBLEM
    for name, example in EXAMPLES.items():
        if name in schemas:
            schemas[name].examples = [example]
            schemas[name].additional_properties = False
    for schema in schemas.values():
        _mend_tuples(schema)
    for route in litestar.routes:
        item = (document.paths or {}).get(route.path_format or "/")
        for handler in getattr(route, "route_handlers", []):
            if item is not None and isinstance(handler, HTTPRouteHandler):
                _complete_operations(handler, item)


def _mend_tuples(schema: Schema) -> None:
    """Litestar describes `tuple[X, ...]` as a list of X or of anything at all."""
    for part in (schema.properties or {}).values():
        if isinstance(part, Schema) and isinstance(part.items, Schema) and Schema() in (part.items.one_of or ()):
            part.items = next(one for one in part.items.one_of or () if one != Schema())


def _complete_operations(handler: HTTPRouteHandler, item: object) -> None:
    for method in handler.http_methods:
        operation = getattr(item, method.lower(), None)
        if isinstance(operation, Operation):
            operation.security = operation.security or _security_of(handler)
            operation.responses = (operation.responses or {}) | _refusals(operation)


def _security_of(handler: HTTPRouteHandler) -> list[SecurityRequirement]:
    guards = handler.resolve_guards()
    if public in guards:
        return NOBODY
    return SCANNERS if known_scanner in guards or scanner in guards else SIGNED_IN


def _refusals(operation: Operation) -> Responses:
    """What any operation may answer instead. What an operation itself says of a status stays."""
    named = {"default": "Any other refusal, as a problem document"}
    if operation.security:
        named |= {"401": "Nobody has shown who they are", "403": "The caller may not do this"}
    if operation.request_body:
        named |= {"400": "The fields are not as they should be", "413": "Too large", "415": "Not this content type"}
    if operation.parameters:
        named |= {"400": "The fields are not as they should be"}
    said = {status for status, response in (operation.responses or {}).items() if not _is_framework_error(response)}
    return {status: _problem(text) for status, text in named.items() if status not in said}


def _is_framework_error(response: OpenAPIResponse | Reference) -> bool:
    """Litestar describes its own validation error, which never leaves this house."""
    content = response.content if isinstance(response, OpenAPIResponse) else None
    schema = content[JSON].schema if content and JSON in content else None
    return isinstance(schema, Schema) and schema.description == "Validation Exception"


def _problem(text: str) -> OpenAPIResponse:
    schema = Reference(ref="#/components/schemas/Problem")
    return OpenAPIResponse(description=text, content={PROBLEM_JSON: OpenAPIMediaType(schema=schema)})
