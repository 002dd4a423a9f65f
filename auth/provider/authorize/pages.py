"""What the citizen sees on the way to a client: phone, code, consent, and why it goes no further. HTML, no decision."""

from collections.abc import Sequence
from html import escape
from typing import Final

import msgspec
from litestar import Response

from app.kit.structs import Text
from auth.login.passkeys.models import PasskeyRequest
from auth.pages.frame import PASSKEY_SCRIPT, alert, both, button, form, link, page, paragraph
from auth.pages.picture import picture
from auth.provider.authorize.models import Way
from auth.provider.authorize.service import Visit
from auth.provider.clients.models import Client

SIGN_IN: Final = Text(zh="登录", en="Sign in")
ENTER_CODE: Final = Text(zh="输入验证码", en="Enter the code")
CONFIRM: Final = Text(zh="再次验证身份", en="Confirm it is you")
PASSKEY: Final = Text(zh="使用通行密钥", en="Use a passkey")
SCAN: Final = Text(zh="用手机扫码登录", en="Sign in with your phone")
UPSTREAM: Final = Text(zh="国家网络身份认证登录", en="Use the national identity")
NETWORK: Final = Text(zh="网号网证登录", en="Use a network number")
FREES: Final = Text(
    zh="验证后，这个号码将从原账号移除，您以自己的新账号继续。",
    en="After this the number is taken from the account, and you go on with an account of your own.",
)
STOPPED: Final = Text(zh="无法继续", en="This cannot go on")
OVER: Final = Text(
    zh="这次登录请求不存在、已用过或已过期。请回到原来的网站重新开始。",
    en="This request does not exist, was used, or has expired. Go back to the site and begin again.",
)


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
    forms = "".join(_way(visit, way) for way in ways)
    body = whom(visit.client) + _again(who) + _refused(refused) + forms + cancel_form(visit)
    return page(title, body, brand=brand, status=status, leads_to=visit.request.parameters.redirect_uri)


def unproven_page(
    visit: Visit, brand: Text, ways: tuple[Way, ...], *, refused: Text | None = None, status: int = 200
) -> Response[str]:
    """A code opened an account that is known by more: asks for that, or whether the account is somebody else's.

    It names nobody: whoever reads it may hold a number that used to be another's.
    """
    told = Text(
        zh="这个手机号对应的账号已实名或登记过设备。号码可能换过机主，请再证明是您本人。",
        en="This number opens an account that is known by more than a number. Numbers change hands: show that it is "
        "yours.",
    )
    theirs = Text(zh="这个账号不是我的", en="This account is not mine")
    what = Text(
        zh="号码是新办的：号码将从原账号（包括共用此号码的全部账号）移除，您以自己的新账号继续。原账号的内容您看不到。",
        en="The number is new to you: it is taken from the account, and from all that share it, and you go on with an "
        "account of your own. You see nothing of theirs.",
    )
    body = (
        whom(visit.client)
        + _refused(refused)
        + paragraph(told)
        + "".join(_way(visit, way) for way in ways)
        + f"<h2>{both(theirs)}</h2>"
        + paragraph(what, kind="soft")
        + form(path_of(visit, "not-mine"), phone_fields(theirs, focused=False))
        + cancel_form(visit)
    )
    return page(CONFIRM, body, brand=brand, status=status, leads_to=visit.request.parameters.redirect_uri)


def _way(visit: Visit, way: Way) -> str:
    if way is Way.UPSTREAM:
        return link(path_of(visit, "upstream"), UPSTREAM)
    act, fields = _WAYS[way]
    return form(path_of(visit, act), fields)


def _again(who: str | None) -> str:
    if who is None:
        return ""
    told = Text(zh="为保护您的信息，继续之前请再次验证。", en="To protect your data, prove once more that it is you.")
    return paragraph(told) + as_whom(who)


def as_whom(who: str) -> str:
    """Whose account it is."""
    return f"<p>{both(Text(zh='当前账号', en='Signed in as'))}<strong>{escape(who)}</strong></p>"


def phone_fields(act: Text, *, focused: bool = True) -> str:
    """Asks for a number, to which a code is sent."""
    return (
        f'<label for="phone">{both(Text(zh="手机号码", en="Mobile number"))}</label>'
        '<input id="phone" name="phone" type="tel" inputmode="numeric" autocomplete="tel-national" maxlength="20" '
        f"required{' autofocus' if focused else ''}>" + button(act, quiet=not focused)
    )


_DOCUMENTS: Final = {
    "id_card": Text(zh="居民身份证", en="ID card"),
    "residence_permit_hk_macau_taiwan": Text(zh="港澳台居民居住证", en="Residence permit (Hong Kong, Macau, Taiwan)"),
    "foreigner_permanent_residence": Text(zh="外国人永久居留身份证", en="Permanent residence card"),
    "travel_permit_hk_macau": Text(zh="港澳居民来往内地通行证", en="Travel permit (Hong Kong, Macau)"),
    "travel_permit_taiwan": Text(zh="台湾居民来往大陆通行证", en="Travel permit (Taiwan)"),
    "passport": Text(zh="护照", en="Passport"),
}
_NAME_FIELDS: Final = (
    f'<label for="name">{both(Text(zh="姓名", en="Name"))}</label>'
    '<input id="name" name="name" type="text" autocomplete="name" maxlength="100" required>'
    f'<label for="document_type">{both(Text(zh="证件", en="Document"))}</label>'
    '<select id="document_type" name="document_type">'
    + "".join(
        f'<option value="{kind}">{escape(text.zh)} {escape(text.en)}</option>' for kind, text in _DOCUMENTS.items()
    )
    + f'</select><label for="document_number">{both(Text(zh="证件号码", en="Document number"))}</label>'
    '<input id="document_number" name="document_number" type="text" autocomplete="off" maxlength="40" required>'
    + paragraph(
        Text(
            zh="姓名和证件不是秘密：核对后还要等待（一般一天），期间通知账号持有人；期满后请再来核对一次。其他方式无需等待。",
            en="Names and documents are no secret: after the check it waits, usually a day, and the holder is told; "
            "then come back and tell them again. The other ways need no wait.",
        ),
        kind="soft",
    )
    + button(Text(zh="核对姓名和证件", en="Check name and document"))
)
_WAYS: Final = {
    Way.CODE: ("phone", phone_fields(Text(zh="获取验证码", en="Send me a code"))),
    Way.SCAN: ("scan", button(SCAN, quiet=True)),
    Way.PASSKEY: ("passkey", button(PASSKEY, quiet=True)),
    Way.NETWORK: ("network", button(NETWORK, quiet=True)),
    Way.NAME: ("name", _NAME_FIELDS),
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
        whom(visit.client)
        + _refused(refused)
        + "<ol>"
        + "".join(f"<li>{both(step)}</li>" for step in told)
        + "</ol>"
        + f'<div class="frame">{picture(text, says)}</div>'
        + form(path_of(visit, "number"), fields)
        + paragraph(warned, kind="soft")
        + form(path_of(visit, "scan"), button(Text(zh="换一张二维码", en="A new picture"), quiet=True))
        + form(path_of(visit, "restart"), button(Text(zh="改用其他方式", en="Another way"), quiet=True))
        + cancel_form(visit)
    )
    return page(SCAN, body, brand=brand, status=status, leads_to=visit.request.parameters.redirect_uri)


def network_page(
    visit: Visit, text: str, brand: Text, *, refused: Text | None = None, status: int = 200
) -> Response[str]:
    """Shows a picture for the national app and asks for the number that the app shows. `text` is what it says."""
    told = (
        Text(zh="打开手机上的国家网络身份认证应用，扫描下图。", en="Scan this picture with the national identity app."),
        Text(zh="在手机上核对要登录的网站，然后确认。", en="Check on the phone where you sign in, then confirm."),
        Text(zh="把手机上显示的 4 位数字填在下面。", en="Type the 4 digits that your phone shows."),
    )
    says = Text(zh="网号网证二维码，3 分钟内有效。", en="A picture to scan, valid for 3 minutes.")
    fields = (
        f'<label for="number">{both(Text(zh="手机上的数字", en="Number on your phone"))}</label>'
        '<input id="number" name="number" type="text" inputmode="numeric" autocomplete="off" maxlength="4" '
        'pattern="[0-9]{4}" required>' + button(SIGN_IN)
    )
    body = (
        whom(visit.client)
        + _refused(refused)
        + "<ol>"
        + "".join(f"<li>{both(step)}</li>" for step in told)
        + "</ol>"
        + f'<div class="frame">{picture(text, says)}</div>'
        + form(path_of(visit, "presented"), fields)
        + form(path_of(visit, "network"), button(Text(zh="换一张二维码", en="A new picture"), quiet=True))
        + form(path_of(visit, "restart"), button(Text(zh="改用其他方式", en="Another way"), quiet=True))
        + cancel_form(visit)
    )
    return page(NETWORK, body, brand=brand, status=status, leads_to=visit.request.parameters.redirect_uri)


def passkey_page(visit: Visit, asked: PasskeyRequest, brand: Text) -> Response[str]:
    """Asks for a passkey; the only page that needs a script. Without one it says so, and the other ways stand open."""
    told = Text(
        zh="请按下面的按钮，然后用指纹、面容或锁屏密码确认。",
        en="Press the button, then confirm with your fingerprint, face or screen lock.",
    )
    failed = Text(
        zh="没有完成验证。请再试一次，或改用其他方式。", en="That did not work. Try again, or take another way."
    )
    without = Text(
        zh="此浏览器未启用脚本，无法使用通行密钥。", en="Scripts are off in this browser; passkeys need them."
    )
    options = escape(msgspec.json.encode(asked.public_key).decode())
    body = (
        whom(visit.client)
        + paragraph(told)
        + f'<p id="failed" class="bad" role="alert" hidden>{both(failed)}</p>'
        + f"<noscript>{paragraph(without)}</noscript>"
        + f'<form method="post" action="{path_of(visit, "assertion")}" id="passkey" data-options="{options}" hidden>'
        + f'<input type="hidden" name="credential" value="">{button(PASSKEY)}</form>'
        + form(path_of(visit, "restart"), button(Text(zh="改用其他方式", en="Another way"), quiet=True))
        + cancel_form(visit)
    )
    leads_to = visit.request.parameters.redirect_uri
    return page(PASSKEY, body, brand=brand, leads_to=leads_to, script=PASSKEY_SCRIPT)


def camera_page(brand: Text) -> Response[str]:
    """For whoever opened the picture with a camera instead of with the app: what stands after `#` never came here."""
    told = Text(
        zh="请打开手机上的本城市应用，用应用内的扫一扫来扫描这张二维码。如果不是您正在电脑上登录，请忽略它。",
        en="Scan this picture from within the city's app. If you are not signing in on a computer now, ignore it.",
    )
    return page(SCAN, paragraph(told), brand=brand)


def code_page(
    visit: Visit,
    brand: Text,
    *,
    refused: Text | None = None,
    status: int = 200,
    code: str = "",
    accounts: Sequence[str] = (),
) -> Response[str]:
    """Asks for the code that was sent; and, where several people share the phone, who of them (`accounts`) it is."""
    told = Text(
        zh="如果号码无误，6 位验证码已发送，5 分钟内有效。请勿告诉任何人。",
        en="If the number is right, a 6-digit code is on its way, valid for 5 minutes. Tell nobody.",
    )
    fields = (
        f'<label for="code">{both(Text(zh="短信验证码", en="Code from the message"))}</label>'
        '<input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" maxlength="6" '
        f'pattern="[0-9]{{6}}" value="{escape(code)}" required autofocus>' + _choose(accounts) + button(SIGN_IN)
    )
    other = button(Text(zh="换号码或重新获取", en="Another number, or a new code"), quiet=True)
    body = (
        whom(visit.client)
        + _refused(refused)
        + paragraph(told)
        + (paragraph(FREES) if visit.request.disowning else "")
        + form(path_of(visit, "code"), fields)
        + form(path_of(visit, "restart"), other)
        + cancel_form(visit)
    )
    return page(ENTER_CODE, body, brand=brand, status=status, leads_to=visit.request.parameters.redirect_uri)


def _choose(accounts: Sequence[str]) -> str:
    if not accounts:
        return ""
    choices = (
        f'<label class="choice"><input type="radio" name="account" value="{number}" required>'
        f"<span>{escape(label)}</span></label>"
        for number, label in enumerate(accounts, start=1)
    )
    asked = both(Text(zh="这个手机号由多人共用，您是哪一位？", en="Several people share this number. Who are you?"))
    return f"<fieldset><legend>{asked}</legend>{''.join(choices)}</fieldset>"


def stopped_page(brand: Text, why: Text = OVER, *, status: int = 400) -> Response[str]:
    """The end, here and not at any client: nobody is sent to an address that was not checked."""
    return page(STOPPED, alert(why), brand=brand, status=status)


def whom(client: Client) -> str:
    """Where the citizen is going."""
    into = Text(zh=f"登录后进入：{client.name.zh}", en=f"You are signing in to: {client.name.en}")
    owner = Text(zh=f"由{client.organization_name}提供", en=f"Provided by {client.organization_name}")
    return f'<div class="card"><strong>{both(into)}</strong>{paragraph(owner, kind="soft")}</div>'


def cancel_form(visit: Visit) -> str:
    """The way back without having done anything."""
    return form(path_of(visit, "cancel"), button(Text(zh="取消", en="Cancel"), quiet=True))


def _refused(refused: Text | None) -> str:
    return "" if refused is None else alert(refused)


def path_of(visit: Visit, act: str) -> str:
    """Where a form of this visit goes."""
    return f"/oauth/requests/{visit.request.id}/{act}"
