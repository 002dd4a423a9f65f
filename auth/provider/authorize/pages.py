"""What the citizen sees on the way to a client: phone, code, consent, and why it goes no further. HTML, no decision."""

from html import escape
from typing import Final

from litestar import Response

from app.kit.structs import Text
from auth.pages.frame import alert, both, button, form, page, paragraph
from auth.pages.picture import picture
from auth.provider.authorize.consent import Question
from auth.provider.authorize.models import Way
from auth.provider.authorize.service import Visit
from auth.provider.clients.models import Client, ClientScope

SIGN_IN: Final = Text(zh="登录", en="Sign in")
ENTER_CODE: Final = Text(zh="输入验证码", en="Enter the code")
CONSENT: Final = Text(zh="授权", en="Your permission")
CONFIRM: Final = Text(zh="再次验证身份", en="Confirm it is you")
SCAN: Final = Text(zh="用手机扫码登录", en="Sign in with your phone")
STOPPED: Final = Text(zh="无法继续", en="This cannot go on")
OVER: Final = Text(
    zh="这次登录请求不存在、已用过或已过期。请回到原来的网站重新开始。",
    en="This request does not exist, was used, or has expired. Go back to the site and begin again.",
)
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


def sign_in_page(
    visit: Visit,
    brand: Text,
    ways: tuple[Way, ...],
    *,
    who: str | None = None,
    refused: Text | None = None,
    status: int = 200,
) -> Response[str]:
    """Asks who is there, by any of `ways`; of somebody who is signed in already (`who`) it asks a further proof."""
    title = SIGN_IN if who is None else CONFIRM
    forms = "".join(form(_path(visit, act), fields) for way in ways for act, fields in (_WAYS[way],))
    body = _whom(visit.client) + _again(who) + _refused(refused) + forms + _cancel(visit)
    return page(title, body, brand=brand, status=status, leads_to=visit.request.parameters.redirect_uri)


def _again(who: str | None) -> str:
    if who is None:
        return ""
    told = Text(zh="为保护您的信息，继续之前请再次验证。", en="To protect your data, prove once more that it is you.")
    return paragraph(told) + _as_whom(who)


def _as_whom(who: str) -> str:
    return f"<p>{both(Text(zh='当前账号', en='Signed in as'))}<strong>{escape(who)}</strong></p>"


_PHONE_FIELDS: Final = (
    f'<label for="phone">{both(Text(zh="手机号码", en="Mobile number"))}</label>'
    '<input id="phone" name="phone" type="tel" inputmode="numeric" autocomplete="tel-national" maxlength="20" '
    "required autofocus>" + button(Text(zh="获取验证码", en="Send me a code"))
)
_WAYS: Final = {
    Way.CODE: ("phone", _PHONE_FIELDS),
    Way.SCAN: ("scan", button(SCAN, quiet=True)),
}


def scan_page(visit: Visit, text: str, brand: Text, *, refused: Text | None = None, status: int = 200) -> Response[str]:
    """Shows a picture for the phone and asks for the number that the phone shows. `text` is what the picture says."""
    told = (
        Text(zh="打开手机上的本城市应用，扫描下图。", en="Open the city's app on your phone and scan this picture."),
        Text(
            zh="在手机上核对要登录的网站，然后确认。",
            en="Check on the phone which site you are signing in to, then confirm.",
        ),
        Text(zh="把手机上显示的 4 位数字填在下面。", en="Type the 4 digits that your phone shows."),
    )
    says = Text(zh="登录二维码，90 秒内有效。", en="A picture to scan, valid for 90 seconds.")
    fields = (
        f'<label for="number">{both(Text(zh="手机上的数字", en="Number on your phone"))}</label>'
        '<input id="number" name="number" type="text" inputmode="numeric" autocomplete="off" maxlength="4" '
        'pattern="[0-9]{4}" required>' + button(SIGN_IN)
    )
    warned = Text(
        zh="只扫您自己眼前这台电脑上的二维码。不要把数字告诉任何人。",
        en="Scan only the picture on the computer before you. Tell nobody the number.",
    )
    body = (
        _whom(visit.client)
        + _refused(refused)
        + "<ol>"
        + "".join(f"<li>{both(step)}</li>" for step in told)
        + "</ol>"
        + f'<div class="frame">{picture(text, says)}</div>'
        + form(_path(visit, "number"), fields)
        + paragraph(warned, kind="soft")
        + form(_path(visit, "scan"), button(Text(zh="换一张二维码", en="A new picture"), quiet=True))
        + form(_path(visit, "restart"), button(Text(zh="改用其他方式", en="Another way"), quiet=True))
        + _cancel(visit)
    )
    return page(SCAN, body, brand=brand, status=status, leads_to=visit.request.parameters.redirect_uri)


def camera_page(brand: Text) -> Response[str]:
    """For whoever opened the picture with a camera instead of with the app: what stands after `#` never came here."""
    told = Text(
        zh="请打开手机上的本城市应用，用应用内的扫一扫来扫描这张二维码。如果不是您正在电脑上登录，请忽略它。",
        en="Scan this picture from within the city's app. If you are not signing in on a computer now, ignore it.",
    )
    return page(SCAN, paragraph(told), brand=brand)


def code_page(visit: Visit, brand: Text, *, refused: Text | None = None, status: int = 200) -> Response[str]:
    """Asks for the code that was sent."""
    told = Text(
        zh="如果号码无误，6 位验证码已发送，5 分钟内有效。请勿告诉任何人。",
        en="If the number is right, a 6-digit code is on its way, valid for 5 minutes. Tell nobody.",
    )
    fields = (
        f'<label for="code">{both(Text(zh="短信验证码", en="Code from the message"))}</label>'
        '<input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" maxlength="6" '
        'pattern="[0-9]{6}" required autofocus>' + button(SIGN_IN)
    )
    other = button(Text(zh="换号码或重新获取", en="Another number, or a new code"), quiet=True)
    body = (
        _whom(visit.client)
        + _refused(refused)
        + paragraph(told)
        + form(_path(visit, "code"), fields)
        + form(_path(visit, "restart"), other)
        + _cancel(visit)
    )
    return page(ENTER_CODE, body, brand=brand, status=status, leads_to=visit.request.parameters.redirect_uri)


def consent_page(visit: Visit, question: Question, who: str, brand: Text) -> Response[str]:
    """Asks what the department may know: each purpose apart, nothing ticked in advance but what the service needs."""
    asked = "".join(_choice(scope) for scope in question.asked)
    told = "".join(_told(scope) for scope in question.told)
    fields = (
        (f"<h2>{both(Text(zh='请您同意', en='Your consent'))}</h2>{asked}" if asked else "")
        + (f"<h2>{both(Text(zh='另外告知', en='For your information'))}</h2>{told}" if told else "")
        + button(Text(zh="同意并继续", en="Agree and go on"), name="decision", value="allow")
        + button(Text(zh="不同意", en="Refuse"), name="decision", value="deny", quiet=True)
        + button(
            Text(zh="不是本人，换个账号", en="Not me: use another account"), name="decision", value="switch", quiet=True
        )
    )
    withdraw = Text(zh="您可以随时在“我的授权”中撤回。", en="You can take this back at any time under My consents.")
    body = (
        _whom(visit.client) + _as_whom(who) + form(_path(visit, "consent"), fields) + paragraph(withdraw, kind="soft")
    )
    return page(CONSENT, body, brand=brand, leads_to=visit.request.parameters.redirect_uri)


def stopped_page(brand: Text, why: Text = OVER, *, status: int = 400) -> Response[str]:
    """The end, here and not at any client: nobody is sent to an address that was not checked."""
    return page(STOPPED, alert(why), brand=brand, status=status)


def _whom(client: Client) -> str:
    into = Text(zh=f"登录后进入：{client.name.zh}", en=f"You are signing in to: {client.name.en}")
    owner = Text(zh=f"由{client.organization_name}提供", en=f"Provided by {client.organization_name}")
    return f'<div class="card"><strong>{both(into)}</strong>{paragraph(owner, kind="soft")}</div>'


def _choice(scope: ClientScope) -> str:
    # Nothing is ticked in advance; what the service cannot do without is said to be so (PIPL, articles 14, 16 and 29).
    needed = " required" if scope.required else ""
    mark = Text(zh="办理所必需", en="The service needs this") if scope.required else Text(zh="可选", en="Optional")
    if scope.sensitive:
        mark = Text(zh=f"敏感个人信息，{mark.zh}", en=f"Sensitive. {mark.en}")
    box = f'<input type="checkbox" name="{CHOICE}{escape(scope.name)}" value="yes"{needed}>'
    text = f"<span>{_fields(scope)}<br>{both(scope.purpose)}<span class='soft'>{both(mark)}{_kept(scope)}</span></span>"
    return f'<label class="choice">{box}{text}</label>'


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


def _cancel(visit: Visit) -> str:
    return form(_path(visit, "cancel"), button(Text(zh="取消", en="Cancel"), quiet=True))


def _refused(refused: Text | None) -> str:
    return "" if refused is None else alert(refused)


def _path(visit: Visit, act: str) -> str:
    return f"/oauth/requests/{visit.request.id}/{act}"
