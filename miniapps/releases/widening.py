"""What a version asks for beyond the one before it: more data, for longer, for more people, from more places.

Pure: two manifests in, facts out. It refuses nothing; reviewers read the facts, and whoever releases asks
`needs_consent`. That old consents are void does not stand on this list: their words have a version (see
`manifest.consents`), and what widens a consent changes it.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from app.kit.structs import Model, Text
from miniapps.manifest import Manifest, Route, Scope, hosts_of, template_shape

WideningKind: TypeAlias = Literal[
    "scope",
    "fields",
    "purpose",
    "basis",
    "required",
    "sensitivity",
    "retention",
    "host",
    "audience",
    "threshold",
    "masking",
]
DELICACY = {"public": 0, "personal": 1, "sensitive": 2}


class Widening(Model):
    """One thing that grew, where it stands in the later document (a JSON pointer), and what it was and is."""

    kind: WideningKind
    at: str
    before: str
    after: str
    needs_consent: bool
    message: Text


def widened(before: Manifest, after: Manifest) -> tuple[Widening, ...]:
    """Everything in which `after` asks for more than `before`, in the order of the document's groups.

    Empty for the same manifest twice, and for one that only asks for less.
    """
    return (
        *_audience(before, after),
        *_hosts(before, after),
        *_thresholds(before, after),
        *_scopes(before, after),
        *_masking(before, after),
    )


def needs_consent(found: tuple[Widening, ...]) -> bool:
    """Whether citizens who consented to the version before are asked anew."""
    return any(widening.needs_consent for widening in found)


def _audience(before: Manifest, after: Manifest) -> Iterator[Widening]:
    added = sorted(set(after.audience) - set(before.audience))
    if added:
        yield Widening(
            kind="audience",
            at="/audience",
            before=_list(before.audience),
            after=_list(after.audience),
            needs_consent=_asks(before),
            message=Text(zh=f"新增服务对象：{_list(added)}", en=f"For more people: {_list(added)}"),
        )


def _hosts(before: Manifest, after: Manifest) -> Iterator[Widening]:
    known = hosts_of(before)
    added = sorted(hosts_of(after) - known)
    if added:
        yield Widening(
            kind="host",
            at="/backend/base_url",
            before=_list(known),
            after=_list(hosts_of(after)),
            needs_consent=_asks(before),
            message=Text(zh=f"数据送往新的主机：{_list(added)}", en=f"Data goes to a further host: {_list(added)}"),
        )


def _thresholds(before: Manifest, after: Manifest) -> Iterator[Widening]:
    known = {_place(route): route for route in before.routes}
    for number, route in enumerate(after.routes):
        earlier = known.get(_place(route))
        if earlier is not None:
            yield from _lowered(f"/backend/routes/{number}", _levels(earlier), _levels(route))
    cards = {widget.id: widget for widget in before.widgets}
    for number, widget in enumerate(after.widgets):
        card = cards.get(widget.id)
        if card is not None:
            yield from _lowered(f"/widgets/{number}", {"min_ial": card.min_ial}, {"min_ial": widget.min_ial})


def _lowered(at: str, before: dict[str, int], after: dict[str, int]) -> Iterator[Widening]:
    for name, level in after.items():
        if level < before[name]:
            yield Widening(
                kind="threshold",
                at=f"{at}/{name}",
                before=str(before[name]),
                after=str(level),
                needs_consent=False,
                message=Text(zh=f"降低了 {name} 要求", en=f"Asks for less proof: {name}"),
            )


def _scopes(before: Manifest, after: Manifest) -> Iterator[Widening]:
    known = {scope.name: scope for scope in before.scopes}
    for number, scope in enumerate(after.scopes):
        at, earlier = f"/data/scopes/{number}", known.get(scope.name)
        if earlier is None:
            yield _new_scope(at, scope)
        else:
            yield from _grown(at, earlier, scope)


def _new_scope(at: str, scope: Scope) -> Widening:
    return Widening(
        kind="scope",
        at=at,
        before="",
        after=scope.name,
        needs_consent=scope.basis == "consent",
        message=Text(zh=f"新增数据范围：{scope.name}", en=f"A new scope: {scope.name}"),
    )


def _grown(at: str, before: Scope, after: Scope) -> Iterator[Widening]:
    """How a scope of the same name grew. Consent is asked for anew wherever the citizen would read other words."""
    asked = after.basis == "consent"
    if set(after.fields) - set(before.fields):
        yield _change("fields", f"{at}/fields", _list(before.fields), _list(after.fields), asked=asked)
    if after.purpose != before.purpose:
        yield _change("purpose", f"{at}/purpose", before.purpose.zh, after.purpose.zh, asked=asked)
    if after.basis != before.basis:
        yield _change("basis", f"{at}/basis", before.basis, after.basis, asked=asked)
    if after.required and not before.required:
        yield _change("required", f"{at}/required", "false", "true", asked=False)
    if DELICACY[after.sensitivity] > DELICACY[before.sensitivity]:
        delicate = asked and after.sensitivity == "sensitive"  # of the rest the words say nothing
        yield _change("sensitivity", f"{at}/class", before.sensitivity, after.sensitivity, asked=delicate)
    if after.retention_days > before.retention_days:
        days = (str(before.retention_days), str(after.retention_days))
        yield _change("retention", f"{at}/retention_days", *days, asked=asked)


def _masking(before: Manifest, after: Manifest) -> Iterator[Widening]:
    """A mask that fell away from a route which is still there."""
    stays = {_place(route) for route in after.routes}
    kept = {(mask.method, template_shape(mask.path), mask.pointer, mask.rule) for mask in after.data.masking}
    for mask in before.data.masking:
        place = (mask.method, template_shape(mask.path))
        if place in stays and (*place, mask.pointer, mask.rule) not in kept:
            yield _change("masking", "/data/masking", f"{mask.method} {mask.path} {mask.pointer}", "", asked=False)


TITLES: dict[WideningKind, Text] = {
    "fields": Text(zh="新增字段", en="More fields"),
    "purpose": Text(zh="处理目的改变", en="Another purpose"),
    "basis": Text(zh="处理依据改变", en="Another legal basis"),
    "required": Text(zh="改为必需", en="No longer optional"),
    "sensitivity": Text(zh="敏感程度提高", en="More delicate data"),
    "retention": Text(zh="保存期限延长", en="Kept for longer"),
    "masking": Text(zh="取消了掩码", en="No longer masked"),
}


def _change(kind: WideningKind, at: str, before: str, after: str, *, asked: bool) -> Widening:
    return Widening(kind=kind, at=at, before=before, after=after, needs_consent=asked, message=TITLES[kind])


def _asks(manifest: Manifest) -> bool:
    return any(scope.basis == "consent" for scope in manifest.scopes)


def _place(route: Route) -> tuple[str, str]:
    return route.method, template_shape(route.path)


def _levels(route: Route) -> dict[str, int]:
    return {"min_ial": route.min_ial, "min_aal": route.min_aal}


def _list(values: object) -> str:
    assert isinstance(values, (tuple, list, set, frozenset))
    return ", ".join(sorted(values))
