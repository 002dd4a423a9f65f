"""The page behind a code on a wall, for any phone's camera: whose it is, or plainly that it is not ours.

Plain text into a template with every value escaped; no script, no outside asset, nothing to type into.
"""

from datetime import datetime, timedelta, timezone
from html import escape

from litestar import Response

from app.kit.pages import page
from app.kit.structs import Text
from codes.stickers.errors import CodeEnded, CodeNotOurs
from codes.stickers.models import Description, Fact, Section, Sticker
from codes.verdict import Reason

OURS_BUT_ENDED = {
    Reason.GRANT_EXPIRED: Text(zh="此码已过有效期。", en="This code is past its date."),
    Reason.REVOKED: Text(zh="此码已被该单位撤销。", en="The organization has revoked this code."),
    Reason.SUSPENDED: Text(zh="此码已暂停使用。", en="This code is suspended."),
}
OURS = Text(zh="✓ 本码由本市签发，真实有效。", en="Issued by this city, genuine and valid.")
NO_RECORD = Text(
    zh="本页不要求付款或填写个人信息，也不记录谁来看过：扫码不产生到访记录。",
    en="This page never asks for money or personal data, and keeps no record of who looked: scanning is no visit.",
)


class PageMaker:
    """Renders codes under a city's name and clock."""

    def __init__(self, brand: Text, offset: timedelta) -> None:
        self._brand = brand
        self._zone = timezone(offset)

    def show(self, sticker: Sticker) -> Response[str]:
        """200 for a valid code, 410 for one of ours that has ended, 404 for one that is not ours."""
        if sticker.description is not None:
            return self._page(sticker.description.name, self._valid(sticker.description), 200)
        if sticker.reason in OURS_BUT_ENDED:
            return self._page(CodeEnded.title.zh, _refusal(CodeEnded.title, OURS_BUT_ENDED[sticker.reason]), 410)
        return self._page(CodeNotOurs.title.zh, _refusal(CodeNotOurs.title, CodeNotOurs.remedy), 404)

    def _page(self, title: str, body: str, status: int) -> Response[str]:
        response = page(title=title, brand=f"{self._brand.zh} {self._brand.en}", body=body, status=status)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Language"] = "zh-CN"
        return response

    def _valid(self, description: Description) -> str:
        warnings = "".join(_line("bad", warning) for warning in description.warnings)
        rows = "".join(self._row(fact) for fact in description.facts)
        sections = "".join(_section(section) for section in description.sections)
        return (
            f"<h1>{escape(description.name)}</h1>{_line('good', OURS)}{warnings}"
            f'<div class="card"><table>{rows}</table></div>{sections}'
            f"{_line('soft', description.advice)}{_line('soft', NO_RECORD)}"
        )

    def _row(self, fact: Fact) -> str:
        value = fact.value if isinstance(fact.value, str) else self._moment(fact.value, fact.to_the_minute)
        return f"<tr><th>{_both(fact.label)}</th><td>{escape(value)}</td></tr>"

    def _moment(self, moment: datetime, to_the_minute: bool) -> str:
        return f"{moment.astimezone(self._zone):{'%Y-%m-%d %H:%M' if to_the_minute else '%Y-%m-%d'}}"


def _refusal(title: Text, why: Text) -> str:
    remedy = _line("soft", CodeEnded.remedy) if title is CodeEnded.title else ""
    return (
        f'<h1 class="bad">{escape(title.zh)} <small lang="en">{escape(title.en)}</small></h1>{_line("", why)}{remedy}'
    )


def _section(section: Section) -> str:
    lines = "".join(f"<p>{_both(line)}</p>" for line in section.lines)
    return f'<h2>{escape(section.title.zh)} <small lang="en">{escape(section.title.en)}</small></h2>{lines}'


def _line(kind: str, text: Text) -> str:
    return f'<p class="{kind}">{_both(text)}</p>'


def _both(text: Text) -> str:
    return f'{escape(text.zh)}<br><small lang="en">{escape(text.en)}</small>'
