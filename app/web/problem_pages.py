"""What a problem's `type` opens: the meaning of the error and what to do, in both languages."""

from html import escape

from app.kit.errors import SuishenError, known_errors


def problem_body(error: type[SuishenError]) -> str:
    """One error."""
    return (
        f"<h1>{escape(error.title.zh)}</h1><p lang='en' class='soft'>{escape(error.title.en)}</p>"
        f"<p>{escape(error.remedy.zh)}</p><p lang='en' class='soft'>{escape(error.remedy.en)}</p>"
        f"<p><code>/problems/{escape(error.slug)}</code> · HTTP {error.status}</p>"
    )


def catalogue_body() -> str:
    """All errors, by slug."""
    rows = "".join(
        f"<tr><td><a href='/problems/{escape(slug)}'><code>{escape(slug)}</code></a></td><td>{error.status}</td>"
        f"<td>{escape(error.title.zh)}<br><span class='soft' lang='en'>{escape(error.title.en)}</span></td>"
        f"<td>{escape(error.remedy.zh)}<br><span class='soft' lang='en'>{escape(error.remedy.en)}</span></td></tr>"
        for slug, error in sorted(known_errors().items())
    )
    return f"<h1>错误一览 <small lang='en'>Problems</small></h1><table class='rows'><tbody>{rows}</tbody></table>"
