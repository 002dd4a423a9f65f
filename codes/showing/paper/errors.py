"""Refusals of paper codes that are about requests; a code that is wrong is a verdict."""

from app.kit.errors import Conflict, Forbidden, NotFound
from app.kit.structs import Text


class PaperCodeUnknown(NotFound):
    """The caller has no such code."""

    slug = "paper-code-unknown"
    title = Text(zh="没有这张离线码", en="No such paper code")
    remedy = Text(zh="请从 GET /v1/codes/paper 的列表中选择。", en="Choose one from the list at GET /v1/codes/paper.")


class PaperCodeEnded(Conflict):
    """The code was voided or its time is over: it is not printed again."""

    slug = "paper-code-ended"
    title = Text(zh="这张离线码已失效", en="This paper code has ended")
    remedy = Text(zh="请重新申领一张离线码。", en="Ask for a new one.")


class TooManyPaperCodes(Conflict):
    """The person has as many living paper codes as one may have."""

    slug = "too-many-paper-codes"
    title = Text(zh="有效的离线码已达上限", en="As many paper codes as one may have")
    remedy = Text(zh="请先作废遗失或不用的离线码。", en="Void the ones that are lost or not used, then ask again.")


class HolderNotNamed(Forbidden):
    """The city has not seen the person's document, so there is nothing to print."""

    slug = "holder-not-named"
    title = Text(zh="尚未完成实名认证", en="The holder's name was never checked")
    remedy = Text(zh="请先完成实名认证，再申领离线码。", en="Have the real name checked first.")
