"""A department behind the city's gateway. Change `hello`; keep the middleware: it is what makes callers believable.

python department.py --port 9201 --issuer http://127.0.0.1:8000
"""

import argparse
import json
from pathlib import Path

from aiohttp import web

from miniapps.sdk import Verifier
from miniapps.sdk.aiohttp_web import CITIZEN, verified

MANIFEST = Path(__file__).with_name("manifest.json")


async def hello(request: web.Request) -> web.Response:
    """What the manifest declares as GET /hello."""
    citizen = request[CITIZEN]
    return web.json_response({"hello": citizen.openid, "granted": dict(citizen.fields)})


async def cards(request: web.Request) -> web.Response:
    """The cards that the city asks for. It asks without a citizen for those that are the same for everybody."""
    try:
        asked = json.loads(await request.read())["widgets"]
    except (ValueError, KeyError, TypeError):
        return web.json_response({"title": "unreadable"}, status=400)
    action = f"ssb://miniapp/{request.app[APP_ID]}/hello"
    card = {"widget": "hello", "title": {"zh": "你好", "en": "Hello"}, "action": action}
    return web.json_response({"cards": [card] if "hello" in asked else []})


async def health(_request: web.Request) -> web.Response:
    """Whether this process answers; anybody may ask."""
    return web.json_response({"status": "ok"})


APP_ID = web.AppKey("app_id", str)


def application(app_id: str, verifier: Verifier) -> web.Application:
    """The server. Everything but /health is refused unless the city's gateway sent it."""
    app = web.Application(middlewares=[verified(verifier, anonymous_paths=("/.ssb/cards",))])
    app[APP_ID] = app_id
    app.add_routes([web.get("/hello", hello), web.post("/.ssb/cards", cards), web.get("/health", health)])
    return app


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description="A department behind the city's gateway.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9201)
    parser.add_argument("--issuer", required=True, help="the city's public origin; its keys are read there")
    arguments = parser.parse_args()
    app_id = json.loads(MANIFEST.read_text(encoding="utf-8"))["app_id"]
    web.run_app(
        application(app_id, Verifier(app_id=app_id, issuer=arguments.issuer)), host=arguments.host, port=arguments.port
    )


if __name__ == "__main__":
    main()
