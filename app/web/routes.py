"""The pages of the house: the first page, the API reference, the problems, the demo city's pictures."""

from html import escape
from pathlib import Path

from litestar import MediaType, Response, Router, get
from litestar.di import Provide
from litestar.params import FromPath

from app.kit.errors import NotFound, known_errors
from app.kit.http import Injected
from app.kit.pages import SECURITY_HEADERS, page
from app.settings import Settings
from app.web.landing import landing_body
from app.web.problem_pages import catalogue_body, problem_body
from app.web.reference import Reference
from auth.guards import public


@get("/", summary="What runs here", sync_to_thread=False, include_in_schema=False)
def landing(settings: Injected[Settings]) -> Response[str]:
    return page(title=settings.brand_zh, brand=settings.brand_zh, body=landing_body(settings))


@get("/reference", summary="The API reference as a page", include_in_schema=False)
async def show_reference(reference: Injected[Reference]) -> Response[bytes]:
    drawn = await reference.drawn()
    return Response(drawn.page, media_type=MediaType.HTML, headers=SECURITY_HEADERS)


@get("/openapi.json", summary="The API reference for machines", include_in_schema=False)
async def openapi(reference: Injected[Reference]) -> Response[bytes]:
    drawn = await reference.drawn()
    return Response(drawn.json, media_type=MediaType.JSON)


@get("/problems", summary="Every error and its remedy", sync_to_thread=False, include_in_schema=False)
def problems(settings: Injected[Settings]) -> Response[str]:
    return page(title="错误一览 Problems", brand=settings.brand_zh, body=catalogue_body())


@get("/problems/{slug:str}", summary="One error and its remedy", sync_to_thread=False, include_in_schema=False)
def problem(slug: FromPath[str], settings: Injected[Settings]) -> Response[str]:
    error = known_errors().get(slug)
    if error is None:
        raise NotFound
    return page(title=error.title.zh, brand=settings.brand_zh, body=problem_body(error))


@get("/demo/pictures", summary="The demo city's pictures", sync_to_thread=False, include_in_schema=False)
def pictures(settings: Injected[Settings]) -> Response[str]:
    figures = "".join(
        f"<figure class='card'><img src='/demo/pictures/{escape(path.name)}' alt='{escape(path.stem)}' width='280'>"
        f"<figcaption>{escape(path.stem)}</figcaption></figure>"
        for path in _pictures(settings)
    )
    body = figures or "<p>还没有图片：运行 <code>make demo</code>。 <span lang='en'>Run make demo first.</span></p>"
    body = f"<h1>演示图片 <small lang='en'>Demo pictures</small></h1><div class='grid'>{body}</div>"
    return page(title="演示图片 Pictures", brand=settings.brand_zh, body=body)


@get("/demo/pictures/{name:str}", summary="One picture", sync_to_thread=False, include_in_schema=False)
def picture(name: FromPath[str], settings: Injected[Settings]) -> Response[bytes]:
    # Only a name out of the listing is opened: no path that a caller made up ever reaches the file system.
    found = {path.name: path for path in _pictures(settings)}.get(name)
    if found is None:
        raise NotFound
    return Response(found.read_bytes(), media_type="image/png", headers={"Cache-Control": "no-store"})


def _pictures(settings: Settings) -> list[Path]:
    if settings.production or not settings.pictures_directory:
        return []
    return sorted(Path(settings.pictures_directory).glob("*.png"))


def router(settings: Settings, reference: Reference) -> Router:
    """All pages; those of the demo city only outside production."""
    pages = [landing, show_reference, openapi, problems, problem]
    demo = [] if settings.production else [pictures, picture]
    return Router(
        path="/",
        route_handlers=[*pages, *demo],
        guards=[public],
        dependencies={"reference": Provide(lambda: reference, sync_to_thread=False)},
        tags=["Pages"],
    )
