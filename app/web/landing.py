"""The first page: what runs here, and where to look. Says nothing of any person."""

from html import escape

from app.settings import Settings

CARDS = (
    (
        "/reference",
        "接口文档",
        "API reference",
        "每个接口的用途、参数与错误。",
        "Every endpoint, its fields and its errors.",
    ),
    ("/demo/inbox", "演示短信箱", "Demo inbox", "演示城市发出的短信。", "Text messages that the demo city sent."),
    ("/demo/pictures", "演示图片", "Demo pictures", "make demo 画出的码。", "The codes that make demo drew."),
    (
        "/v1/scenarios",
        "用码场景",
        "Scenarios",
        "在哪里亮码、出示什么。",
        "Where a code is shown, and what it discloses.",
    ),
    ("/v1/services", "服务目录", "Services", "各部门已上线的服务。", "What the departments have published."),
    ("/health/ready", "运行状态", "Health", "本机是否可以服务。", "Whether this worker can serve."),
    ("/problems", "错误一览", "Problems", "每个错误的含义与办法。", "What each error means, and what to do."),
)
DEMO_ONLY = ("/demo/",)


def landing_body(settings: Settings) -> str:
    """The body of `GET /`."""
    mode = "" if settings.production else _development_note()
    cards = "".join(
        f'<a class="card" href="{path}"><h3>{zh} <small lang="en">{en}</small></h3>'
        f'<p>{what_zh}</p><p class="soft" lang="en">{what_en}</p></a>'
        for path, zh, en, what_zh, what_en in CARDS
        if not (settings.production and path.startswith(DEMO_ONLY))
    )
    return (
        f"<h1>{escape(settings.brand_zh)} <small lang='en'>{escape(settings.brand_en)}</small></h1>"
        "<p>一个身份，一个码，一个入口：市民登录一次，亮一个码，就能办理各部门的事。</p>"
        '<p class="soft" lang="en">One identity, one code, one door: a citizen signs in once, shows one code, '
        "and reaches every department.</p>"
        f'{mode}<h2>从这里看 <small lang="en">Where to look</small></h2><div class="grid">{cards}</div>'
    )


def _development_note() -> str:
    return (
        '<p class="card">开发模式：登记机关、短信与部门都是演示替身，数据均为虚构。'
        '<br><span class="soft" lang="en">Development: registries, text messages and departments are stand-ins, '
        "and all data is synthetic.</span></p>"
    )
