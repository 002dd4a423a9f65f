"""The page behind a sticker, for any phone's camera: whose sticker it is, or plainly that it is not ours.

Plain text into a template with every value escaped; no script, no outside asset, nothing to type into.
"""

from datetime import datetime, timedelta, timezone
from html import escape

from litestar import Response

from app.kit.pages import page
from app.kit.structs import Text
from codes.enterprises.errors import CodeEnded, CodeNotOurs
from codes.enterprises.models import EnterpriseCode, Sticker
from codes.verdict import Reason

OURS_BUT_ENDED = {
    Reason.GRANT_EXPIRED: Text(zh="此码已过有效期。", en="This code is past its date."),
    Reason.REVOKED: Text(zh="此码已被该单位撤销。", en="The organization has revoked this code."),
    Reason.SUSPENDED: Text(zh="此码已暂停使用。", en="This code is suspended."),
}


class PageMaker:
    """Renders stickers under a city's name and clock."""

    def __init__(self, brand: Text, offset: timedelta) -> None:
        self._brand = brand
        self._zone = timezone(offset)

    def show(self, sticker: Sticker) -> Response[str]:
        """200 for a valid sticker, 410 for one of ours that has ended, 404 for one that is not ours."""
        if sticker.reason is Reason.OK and sticker.code is not None:
            return self._page(sticker.name, self._valid(sticker, sticker.code), 200)
        if sticker.reason in OURS_BUT_ENDED:
            return self._page(CodeEnded.title.zh, _ended(sticker), CodeEnded.status)
        return self._page(CodeNotOurs.title.zh, _not_ours(), CodeNotOurs.status)

    def _page(self, title: str, body: str, status: int) -> Response[str]:
        response = page(title=title, brand=f"{self._brand.zh} {self._brand.en}", body=body, status=status)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Language"] = "zh-CN"
        return response

    def _valid(self, sticker: Sticker, code: EnterpriseCode) -> str:
        closed = "" if sticker.in_business else _line("bad", NOT_IN_BUSINESS)
        facts = (
            (Text(zh="名称", en="Name"), sticker.name),
            (Text(zh="统一社会信用代码", en="Unified social credit code"), sticker.credit_code),
            (Text(zh="张贴处", en="Where it hangs"), code.label),
            (Text(zh="签发日期", en="Issued"), self._day(code.issued_at)),
            (Text(zh="有效期至", en="Valid until"), self._day(code.expires_at)),
        )
        rows = "".join(
            f'<tr><th>{escape(label.zh)}<br><small lang="en">{escape(label.en)}</small></th>'
            f"<td>{escape(value)}</td></tr>"
            for label, value in facts
        )
        return (
            f"<h1>{escape(sticker.name)}</h1>{_line('good', OURS)}{closed}"
            f'<div class="card"><table>{rows}</table></div>{_line("soft", COMPARE)}'
        )

    def _day(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._zone):%Y-%m-%d}"


OURS = Text(zh="✓ 本码由本市签发，真实有效。", en="Issued by this city, genuine and valid.")
NOT_IN_BUSINESS = Text(
    zh="! 登记信息显示该单位已非存续状态。", en="The register says that this organization is no longer active."
)
COMPARE = Text(
    zh="请核对名称与招牌、营业执照是否一致；不一致请拨打 12345。本页不要求付款或填写个人信息，也不记录谁来看过。",
    en="Compare the name with the sign and the licence on the wall; if they differ, call 12345. "
    "This page never asks for money or personal data, and keeps no record of who looked.",
)


def _ended(sticker: Sticker) -> str:
    why = OURS_BUT_ENDED[sticker.reason]
    return (
        f'<h1 class="bad">{escape(CodeEnded.title.zh)} <small lang="en">{escape(CodeEnded.title.en)}</small></h1>'
        f"{_line('', why)}{_line('soft', CodeEnded.remedy)}"
    )


def _not_ours() -> str:
    return (
        f'<h1 class="bad">{escape(CodeNotOurs.title.zh)} <small lang="en">{escape(CodeNotOurs.title.en)}</small></h1>'
        f"{_line('', CodeNotOurs.remedy)}"
    )


def _line(kind: str, text: Text) -> str:
    return f'<p class="{kind}">{escape(text.zh)}<br><small lang="en">{escape(text.en)}</small></p>'
