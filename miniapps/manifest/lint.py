"""What the fields of a manifest must agree on together. Judges one document; knows no other, and reaches nothing.

An error keeps a version from being registered; a warning is for the author and the reviewer.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Literal

from app.kit.structs import Model, Text
from auth.attributes import TELLABLE
from auth.documents import credit_code_is_valid
from auth.keys import ProofInvalid, PublicJwk, public_key_of
from auth.provider.clients.models import OPENID
from miniapps.manifest.addresses import address_problem, host_of, is_address_literal, is_loopback
from miniapps.manifest.labels import label_of
from miniapps.manifest.models import MEBIBYTE, SAFE_METHODS, Manifest, Route, Scope
from miniapps.manifest.paths import lies_below, parameters, template_shape

Severity = Literal["error", "warning"]
LONG_RETENTION_DAYS = 1095
LONGEST_EMERGENCY_DAYS = 180


class Finding(Model):
    """One thing that is wrong, where it stands (a JSON pointer), and what it means."""

    code: str
    severity: Severity
    at: str
    message: Text


def lint_manifest(manifest: Manifest) -> list[Finding]:
    """Every finding, errors first, then in the order of the document's groups."""
    found = [finding for rule in _RULES for finding in rule(manifest)]
    return sorted(found, key=lambda finding: finding.severity != "error")


def refusals(findings: Iterable[Finding]) -> list[Finding]:
    """Those that keep a version from being registered."""
    return [finding for finding in findings if finding.severity == "error"]


def error(code: str, at: str, zh: str, en: str) -> Finding:
    """A finding that refuses."""
    return Finding(code=code, severity="error", at=at, message=Text(zh=zh, en=en))


def warning(code: str, at: str, zh: str, en: str) -> Finding:
    """A finding that only tells."""
    return Finding(code=code, severity="warning", at=at, message=Text(zh=zh, en=en))


def _owner(manifest: Manifest) -> Iterator[Finding]:
    if not credit_code_is_valid(manifest.owner.org_code):
        yield error(
            "owner-code-invalid",
            "/owner/org_code",
            "统一社会信用代码校验位不对",
            "The check digit is wrong",
        )
    roles = {contact.role for contact in manifest.contacts}
    for role in ("tech", "security"):
        if role not in roles:
            yield warning("contact-missing", "/contacts", f"缺少联系人：{role}", f"No contact for {role}")
    for number, contact in enumerate(manifest.contacts):
        if contact.phone is None and contact.email is None:
            yield error(
                "contact-unreachable",
                f"/contacts/{number}",
                "联系人没有电话或邮箱",
                "The contact has no address",
            )


def _kind(manifest: Manifest) -> Iterator[Finding]:
    if manifest.kind == "integrated":
        if manifest.backend is None:
            yield error("backend-missing", "/backend", "接入类服务必须声明后端", "An integrated service has a backend")
        if manifest.link is not None:
            yield error("link-unexpected", "/link", "仅目录条目可用 link", "Only a directory entry has a link")
        return
    if manifest.link is None:
        yield error("link-missing", "/link", "目录条目必须给出链接", "A directory entry needs a link")
    for name in ("backend", "widgets"):
        if getattr(manifest, name):
            yield error(f"{name}-unexpected", f"/{name}", f"目录条目不能声明 {name}", f"A directory has no {name}")


def _addresses(manifest: Manifest) -> Iterator[Finding]:
    base = manifest.backend.base_url if manifest.backend else None
    for name in ("live", "gray", "sandbox"):
        url = getattr(base, name, None)
        if url is not None:
            yield from _backend_address(f"/backend/base_url/{name}", url)
    for number, icon in enumerate(manifest.icons):
        yield from _page_address(f"/icons/{number}/url", icon.url)
    yield from _page_address("/link", manifest.link)
    yield from _page_address("/support/complaint_url", manifest.support.complaint_url)


def _backend_address(at: str, url: str) -> Iterator[Finding]:
    problem = address_problem(url)
    if problem is not None:
        yield error("address-refused", at, f"地址写法不被接受：{problem}", f"The address is not accepted: {problem}")
        return
    host = host_of(url)
    if url.startswith("http:") and not is_loopback(host):
        yield error("address-not-https", at, "必须使用 https", "Only https is accepted")
    elif is_loopback(host) or is_address_literal(host):
        yield warning(
            "address-needs-policy",
            at,
            "仅在运营方网络策略列出该地址时可用",
            "Works only where the operator's network policy names this address",
        )


def _page_address(at: str, url: str | None) -> Iterator[Finding]:
    if url is None:
        return
    problem = address_problem(url)
    if problem is not None:
        yield error("address-refused", at, f"地址写法不被接受：{problem}", f"The address is not accepted: {problem}")
    elif not url.startswith("https:"):
        yield error("address-not-https", at, "必须使用 https", "Only https is accepted")


def _login(manifest: Manifest) -> Iterator[Finding]:
    login = manifest.login
    if login is None:
        return
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        uris = getattr(login, name)
        yield from _repeated("redirect-repeated", f"/login/{name}", uris)
        for number, uri in enumerate(uris):
            yield from _backend_address(f"/login/{name}/{number}", uri)
    if login.backchannel_logout_uri is not None:
        yield from _backend_address("/login/backchannel_logout_uri", login.backchannel_logout_uri)
    if login.jwks_uri is not None:
        yield from _backend_address("/login/jwks_uri", login.jwks_uri)
    if bool(login.keys) is (login.jwks_uri is not None):
        yield error(
            "keys-in-one-place",
            "/login/keys",
            "公钥或者写在这里，或者公布在 jwks_uri，二者取一",
            "Keys stand here or at jwks_uri: one of both, not both",
        )
    yield from _repeated("key-repeated", "/login/keys", [key.kid for key in login.keys])
    for number, key in enumerate(login.keys):
        try:
            public_key_of(PublicJwk(kty="EC", crv="P-256", x=key.x, y=key.y))
        except ProofInvalid:
            yield error("key-invalid", f"/login/keys/{number}", "不是 P-256 曲线上的公钥", "Not a public key on P-256")


def _routes(manifest: Manifest) -> Iterator[Finding]:
    yield from _repeated(
        "route-repeated", "/backend/routes", [(route.method, template_shape(route.path)) for route in manifest.routes]
    )
    known = {scope.name for scope in manifest.scopes}
    for number, route in enumerate(manifest.routes):
        yield from _route(f"/backend/routes/{number}", route, known)


def _route(at: str, route: Route, known_scopes: set[str]) -> Iterator[Finding]:
    for name in route.scopes:
        if name not in known_scopes:
            yield error("scope-unknown", f"{at}/scopes", f"未声明的数据范围：{name}", f"Scope {name} is not declared")
    yield from _repeated("scope-repeated", f"{at}/scopes", route.scopes)
    yield from _repeated("parameter-repeated", f"{at}/path", parameters(route.path))
    if route.scopes and route.min_ial == 0:
        yield error(
            "scope-for-nobody",
            f"{at}/min_ial",
            "调用个人数据的路由必须登录",
            "Scopes need a known person",
        )
    if route.body == "buffered" and route.body_limit > MEBIBYTE:
        yield error(
            "body-limit-too-large", f"{at}/body_limit", "缓冲请求体上限为 1 MiB", "A buffered body has at most 1 MiB"
        )
    yield from _route_cache(at, route)


def _route_cache(at: str, route: Route) -> Iterator[Finding]:
    if route.cache is None:
        return
    if route.method not in SAFE_METHODS:
        yield error("cache-of-a-write", f"{at}/cache", "写操作不能缓存", "The answer to a write is never kept")
    if route.body == "streamed":
        yield error("cache-of-a-stream", f"{at}/cache", "流式响应不能缓存", "A streamed answer is never kept")
    if route.cache.shared and route.scopes:
        yield error(
            "cache-shares-personal-data",
            f"{at}/cache",
            "含个人数据的响应不能共享缓存",
            "An answer with personal data is never shared",
        )


def _pages(manifest: Manifest) -> Iterator[Finding]:
    pages = manifest.backend.pages if manifest.backend is not None else None
    if pages is None:
        return
    for number, route in enumerate(manifest.routes):
        if lies_below(route.path, pages.path):
            yield error(
                "route-among-pages",
                f"/backend/routes/{number}/path",
                "接口不能位于公开网页的路径之下",
                "A route must not lie below the public pages",
            )
    if label_of(manifest.app_id) is None:
        yield error(
            "app-id-too-long-for-pages",
            "/app_id",
            "应用标识过长，不能作为网页的域名标签",
            "The id is too long for the name of its pages",
        )


def _masking(manifest: Manifest) -> Iterator[Finding]:
    declared = {(route.method, route.path): route for route in manifest.routes}
    for number, masking in enumerate(manifest.data.masking):
        at = f"/data/masking/{number}"
        route = declared.get((masking.method, masking.path))
        if route is None:
            yield error("masking-without-route", at, "脱敏规则没有对应的路由", "No route is declared for this masking")
        elif route.body == "streamed":
            yield error("masking-on-stream", at, "流式路由无法脱敏", "A streamed answer cannot be masked")


def _widgets(manifest: Manifest) -> Iterator[Finding]:
    yield from _repeated("widget-repeated", "/widgets", [widget.id for widget in manifest.widgets])
    for number, widget in enumerate(manifest.widgets):
        if widget.personal and widget.min_ial == 0:
            yield error(
                "card-for-nobody", f"/widgets/{number}", "个人卡片必须登录", "A personal card needs a known person"
            )


def _items(manifest: Manifest) -> Iterator[Finding]:
    yield from _repeated("item-repeated", "/items", [item.item_code for item in manifest.items])
    for number, item in enumerate(manifest.items):
        yield from _repeated("material-repeated", f"/items/{number}", [material.code for material in item.materials])
        if item.promised_days > item.legal_days:
            yield error(
                "promise-beyond-law",
                f"/items/{number}/promised_days",
                "承诺时限长于法定时限",
                "More time is promised than the law allows",
            )


def _scopes(manifest: Manifest) -> Iterator[Finding]:
    yield from _repeated("scope-repeated", "/data/scopes", [scope.name for scope in manifest.scopes])
    used = {name for route in manifest.routes for name in route.scopes}
    for number, scope in enumerate(manifest.scopes):
        at = f"/data/scopes/{number}"
        if scope.name not in used and manifest.backend is not None:
            yield warning("scope-unused", at, "没有路由使用该数据范围", "No route uses this scope")
        yield from _scope(at, scope)


def _scope(at: str, scope: Scope) -> Iterator[Finding]:
    yield from _repeated("field-repeated", f"{at}/fields", scope.fields)
    for number, name in enumerate(scope.fields):
        if name not in TELLABLE:  # a citizen would be asked to agree to a word, and nothing would ever be told
            known = ", ".join(sorted(TELLABLE))
            yield error(
                "field-unknown", f"{at}/fields/{number}", f"没有此字段；可用：{known}", f"No such field; of {known}"
            )
    if scope.name.partition(":")[0] == OPENID:  # a consent to it would be one to sign in, here or at a neighbour
        yield error("scope-reserved", f"{at}/name", "openid 是登录本身的名称", "openid names the sign-in itself")
    if scope.basis == "statute" and scope.legal_basis is None:
        yield error("legal-basis-missing", at, "依法处理须写明法律依据", "A statutory basis names the statute")
    if scope.basis == "consent" and scope.required:
        yield warning(
            "consent-not-free", at, "必须给出的同意不是自愿的", "Consent that cannot be refused is not consent"
        )
    if scope.sensitivity == "sensitive" and scope.retention_days > LONG_RETENTION_DAYS:
        yield warning(
            "retention-long", f"{at}/retention_days", "敏感信息保存超过三年", "Sensitive data is kept over three years"
        )


def _duty(manifest: Manifest) -> Iterator[Finding]:
    for practice in ("check_in", "ranking", "forced_duration"):
        if getattr(manifest.conduct, practice):
            yield error(
                "conduct-refused",
                f"/conduct/{practice}",
                "不得设置打卡、排名、时长要求",
                "Not allowed in this city",
            )
    if manifest.sunset is not None and manifest.sunset.successor == manifest.app_id:
        yield error("successor-is-itself", "/sunset/successor", "继任应用不能是自己", "An app does not follow itself")
    for name in ("zones", "audience", "locales"):
        yield from _repeated(f"{name}-repeated", f"/{name}", getattr(manifest, name))


def _emergency(manifest: Manifest) -> Iterator[Finding]:
    if manifest.emergency is None:
        return
    if manifest.sunset is not None:
        yield error("two-ends", "/sunset", "应急登记以到期日为准", "An emergency ends by its own date")
    if manifest.backend is not None and not manifest.backend.keys:
        yield error(
            "emergency-without-key", "/backend/keys", "须有用于签署删除证明的密钥", "A key has to sign the deletion"
        )
    for number, scope in enumerate(manifest.scopes):
        at = f"/data/scopes/{number}"
        if scope.basis != "statute":
            yield error("emergency-basis", f"{at}/basis", "应急登记须依法处理", "An emergency rests on a statute alone")
        if scope.retention_days > LONGEST_EMERGENCY_DAYS:
            yield error(
                "emergency-retention", f"{at}/retention_days", "保存不得超过 180 天", "Kept for 180 days at most"
            )


def _repeated(code: str, at: str, values: Iterable[Hashable]) -> Iterator[Finding]:
    for value, times in Counter(values).items():
        if times > 1:
            shown = " ".join(value) if isinstance(value, tuple) else str(value)
            yield error(code, at, f"重复：{shown}", f"Stands {times} times: {shown}")


_RULES: tuple[Callable[[Manifest], Iterator[Finding]], ...] = (
    _owner,
    _kind,
    _addresses,
    _login,
    _routes,
    _pages,
    _masking,
    _widgets,
    _items,
    _scopes,
    _duty,
    _emergency,
)
