"""The library's public pages: when it is open, and where. For everybody, so they know nobody and ask for nothing.

The city serves them on an origin of their own, where no inline style or script runs: the style is a file beside.
"""

from aiohttp import web

from miniapps.departments.program import Office

PREFIX = "/site"  # as in the manifest, `backend.pages.path`

HOURS = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>图书馆 City library</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>图书馆 <small lang="en">City library</small></h1>
<p>开放时间：周二至周日 9:00–21:00，周一闭馆。</p>
<p lang="en">Open Tuesday to Sunday 9:00–21:00, closed on Mondays.</p>
<p>查询借阅与续借，请在市民应用中打开“图书馆”。</p>
<p lang="en">Your loans and renewals are in the city's app.</p>
</main>
</body>
</html>
"""

STYLE = """body { font: 1.125rem/1.6 system-ui, sans-serif; margin: 0; color: #1f2328; background: #fff }
main { max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
small { color: #57606a; font-weight: normal }
"""


def routes(_office: Office) -> list[web.RouteDef]:
    """What stands at the pages' `/` and beside it."""

    async def hours(_request: web.Request) -> web.Response:
        return web.Response(text=HOURS, content_type="text/html")

    async def style(_request: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css", headers={"Cache-Control": "max-age=3600"})

    return [
        web.get(f"{PREFIX}/", hours),
        web.get(f"{PREFIX}/hours.html", hours),
        web.get(f"{PREFIX}/style.css", style),
    ]
