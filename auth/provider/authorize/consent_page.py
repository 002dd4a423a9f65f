"""The pages on which a citizen decides what a department may know. HTML, no decision.

Each purpose apart, nothing ticked in advance, what is sensitive on a page of its own. A page carries the version of its
words and its own name, and an answer counts only for the words and the page that were shown.
"""

from collections.abc import Mapping
from html import escape
from typing import Final

from litestar import Response

from app.kit.structs import Text
from auth.pages.frame import both, button, form, page, paragraph
from auth.provider.authorize.consent import Answer, Question, page_version
from auth.provider.authorize.pages import as_whom, cancel_form, path_of, whom
from auth.provider.authorize.service import Visit
from auth.provider.clients.models import Client, ClientScope

CONSENT: Final = Text(zh="授权", en="Your permission")
SEPARATE: Final = Text(zh="单独同意", en="A separate permission")
GUARDIAN: Final = Text(zh="需要监护人同意", en="A guardian must agree")
CHOICE: Final = "scope:"
FIELDS: Final = {
    "display_name": Text(zh="姓名（部分隐去）", en="Name (masked)"),
    "full_name": Text(zh="姓名", en="Full name"),
    "phone_tail": Text(zh="手机号后四位", en="Last digits of your phone"),
    "id_number": Text(zh="身份证件号码", en="Document number"),
    "age_over_18": Text(zh="是否年满 18 周岁", en="Whether you are over 18"),
    "identity_level": Text(zh="实名核验级别", en="How well your identity is verified"),
}
BASES: Final = {
    "statute": Text(zh="依法获取，无需同意", en="By law, without consent"),
    "contract": Text(zh="为履行服务约定所需", en="Needed for the service you agreed to"),
}
WITHDRAW: Final = Text(zh="您可以随时在“我的授权”中撤回。", en="You can take this back at any time under My consents.")
SWITCH: Final = Text(zh="不是本人，换个账号", en="Not me: use another account")
RISK: Final = Text(
    zh="这是敏感个人信息，一旦泄露或被滥用，可能影响您的人身、财产安全。是否同意由您单独决定。",
    en="This is sensitive: if it leaked or were misused, you or your property could be harmed. You decide on it alone.",
)


def consent_page(visit: Visit, question: Question, who: str, brand: Text) -> Response[str]:
    """Asks what the department may know, or one sensitive part of it."""
    fields = _separate(question) if question.separate else _together(question)
    fields += button(SWITCH, name="decision", value="switch", quiet=True)
    shown = _hidden("text_version", page_version(visit.client, question)) + _hidden("part", question.part)
    body = (
        whom(visit.client)
        + as_whom(who)
        + form(path_of(visit, "consent"), shown + fields)
        + paragraph(WITHDRAW, kind="soft")
    )
    title = SEPARATE if question.separate else CONSENT
    return page(title, body, brand=brand, leads_to=visit.request.parameters.redirect_uri)


def guardian_page(visit: Visit, who: str, brand: Text, *, asked: bool = False) -> Response[str]:
    """For a child under fourteen, who cannot consent: they can ask their guardians and come back."""
    told = Text(
        zh="您未满十四周岁，使用这项服务须由监护人同意。监护人会收到消息，可在“我的孩子”中查看并决定。",
        en="You are under 14, so a guardian must agree first. They are told, and decide under their children.",
    )
    done = Text(zh="已告知监护人。监护人同意后，请再试一次。", en="They were told. Try again once they agreed.")
    ask = button(Text(zh="请监护人同意", en="Ask my guardian"), name="decision", value="guardian")
    again = f'<a href="/oauth/requests/{visit.request.id}">{both(Text(zh="再试一次", en="Try again"))}</a>'
    fields = ("" if asked else ask) + button(SWITCH, name="decision", value="switch", quiet=True)
    body = (
        whom(visit.client)
        + as_whom(who)
        + paragraph(done if asked else told)
        + (again if asked else "")
        + form(path_of(visit, "consent"), fields)
        + cancel_form(visit)
    )
    return page(GUARDIAN, body, brand=brand, leads_to=visit.request.parameters.redirect_uri)


def read_answer(sent: Mapping[str, str], client: Client, question: Question) -> Answer | None:
    """The answer to this very page and to its present words; None for any other page or words.

    Who agrees to a separate page agrees to its one scope; elsewhere to what they ticked.
    """
    if sent.get("part") != question.part or sent.get("text_version") != page_version(client, question):
        return None
    if question.separate:
        agreed = frozenset({question.part} if sent.get("decision") == "allow" else ())
    else:
        agreed = frozenset(name.removeprefix(CHOICE) for name in sent if name.startswith(CHOICE))
    return Answer(agreed=agreed, goes_on=sent.get("decision") in {"allow", "skip"})


def _together(question: Question) -> str:
    asked = "".join(_choice(scope) for scope in question.asked)
    told = "".join(_told(scope) for scope in question.told)
    return (
        (f"<h2>{both(Text(zh='请您同意', en='Your consent'))}</h2>{asked}" if asked else "")
        + (f"<h2>{both(Text(zh='另外告知', en='For your information'))}</h2>{told}" if told else "")
        + button(Text(zh="同意并继续", en="Agree and go on"), name="decision", value="allow")
        + button(Text(zh="不同意", en="Refuse"), name="decision", value="deny", quiet=True)
    )


def _separate(question: Question) -> str:
    (scope,) = question.asked
    refusal = Text(zh="不同意", en="Refuse") if scope.required else Text(zh="不同意此项，继续", en="Go on without this")
    card = f'<div class="card">{_fields(scope)}<br>{both(scope.purpose)}{_marks(scope)}</div>'
    return (
        card
        + paragraph(RISK)
        + button(Text(zh="单独同意", en="Agree to this"), name="decision", value="allow")
        + button(refusal, name="decision", value="deny" if scope.required else "skip", quiet=True)
    )


def _choice(scope: ClientScope) -> str:
    # Nothing is ticked in advance; what the service cannot do without is said to be so (PIPL, articles 14 and 16).
    needed = " required" if scope.required else ""
    box = f'<input type="checkbox" name="{CHOICE}{escape(scope.name)}" value="yes"{needed}>'
    return f'<label class="choice">{box}<span>{_fields(scope)}<br>{both(scope.purpose)}{_marks(scope)}</span></label>'


def _marks(scope: ClientScope) -> str:
    mark = Text(zh="办理所必需", en="The service needs this") if scope.required else Text(zh="可选", en="Optional")
    return f"<span class='soft'>{both(mark)}{_kept(scope)}{_goes_to(scope)}</span>"


def _told(scope: ClientScope) -> str:
    basis = BASES[scope.basis]
    law = f" {escape(scope.legal_basis)}" if scope.legal_basis else ""
    return (
        f'<div class="card">{_fields(scope)}<br>{both(scope.purpose)}<span class="soft">{both(basis)}{law}</span></div>'
    )


def _fields(scope: ClientScope) -> str:
    names = [FIELDS.get(field, Text(zh=field, en=field)) for field in scope.fields]
    whole = Text(zh="、".join(name.zh for name in names), en=", ".join(name.en for name in names))
    return f"<strong>{both(whole)}</strong>" if names else ""


def _kept(scope: ClientScope) -> str:
    if scope.retention_days == 0:
        return ""
    return both(Text(zh=f"保存 {scope.retention_days} 天", en=f"Kept for {scope.retention_days} days"))


def _goes_to(scope: ClientScope) -> str:
    hosts = ", ".join(scope.recipient.hosts)
    return both(Text(zh=f"送往 {hosts}", en=f"Goes to {hosts}")) if hosts else ""


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'
