"""The negative cases: one good request, bent in one place each time, which the department must not believe."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import structs

from miniapps.conformance.judging import Judge, Judgement, failed, passed, refused, skipped
from miniapps.conformance.ports import Answer
from miniapps.conformance.trial import Trial
from miniapps.manifest import Route
from miniapps.sandbox.signing import Ask

NOTHING_TO_ASK: Final = "no-route-that-only-reads"
NO_STREAM: Final = "no-stream-that-only-reads"
UPGRADE_REQUIRED: Final = 426
MINUTE: Final = 60
LONG_AGO: Final = 10 * MINUTE
HOUR: Final = 60 * MINUTE
OTHER_APP: Final = "cn.example.somebody-else"
OTHER_CITY: Final = "https://another-city.example"

Sent: TypeAlias = tuple[Ask, Mapping[str, str]]
Bend: TypeAlias = Callable[[Trial, Route], Sent]


def _refusing(bend: Bend) -> Judge:
    async def judge(trial: Trial) -> Judgement:
        return await _tried(trial, trial.probe(), bend, none=NOTHING_TO_ASK, judged=refused)

    return judge


def _refusing_stream(bend: Bend) -> Judge:
    async def judge(trial: Trial) -> Judgement:
        return await _tried(trial, trial.stream_probe(), bend, none=NO_STREAM, judged=_stream_refused)

    return judge


async def _tried(
    trial: Trial, route: Route | None, bend: Bend, *, none: str, judged: Callable[[Answer], Judgement]
) -> Judgement:
    if route is None:
        return skipped(none)
    ask, headers = bend(trial, route)
    return judged(await trial.send(ask, headers))


def _stream_refused(answer: Answer) -> Judgement:
    """A WebSocket that wants its handshake first gave nothing away, and proved nothing."""
    return skipped("wants-upgrade") if answer.status == UPGRADE_REQUIRED else refused(answer)


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _assertion_by(**claims: Any) -> Bend:
    """Everything right but what the assertion says."""

    def bend(trial: Trial, route: Route) -> Sent:
        ask = trial.ask(route)
        return ask, trial.signer.sign(ask, assertion=trial.assertion(trial.citizen, route, **claims))

    return bend


def _assertion_from(seconds: int, life_seconds: int) -> Bend:
    """An assertion that begins `seconds` from now."""

    def bend(trial: Trial, route: Route) -> Sent:
        begin = int(trial.signer.city().now) + seconds
        return _assertion_by(iat=begin, exp=begin + life_seconds)(trial, route)

    return bend


def _at(seconds: float) -> Bend:
    """A signature made `seconds` from now, with an assertion of now."""

    def bend(trial: Trial, route: Route) -> Sent:
        ask, city = trial.ask(route), trial.signer.city()
        city = dataclasses.replace(city, now=city.now + seconds)
        return ask, trial.signer.sign(ask, assertion=trial.assertion(trial.citizen, route), city=city)

    return bend


def _signed(**wrongly: Any) -> Bend:
    """A good assertion under a signature that is bent."""

    def bend(trial: Trial, route: Route) -> Sent:
        ask = trial.ask(route)
        return ask, trial.signer.sign(ask, assertion=trial.assertion(trial.citizen, route), **wrongly)

    return bend


def _signed_by(make: Callable[[], dict[str, Any]]) -> Bend:
    """A good assertion under a signature by another city: with other keys or another name."""

    def bend(trial: Trial, route: Route) -> Sent:
        ask, city = trial.ask(route), trial.signer.city(**make())
        return ask, trial.signer.sign(ask, assertion=trial.assertion(trial.citizen, route), city=city)

    return bend


def _signed_for(change: Callable[[Ask], Ask]) -> Bend:
    """Signed for one request and sent as another."""

    def bend(trial: Trial, route: Route) -> Sent:
        ask = trial.ask(route)
        return ask, trial.signer.sign(change(ask), assertion=trial.assertion(trial.citizen, route))

    return bend


def _query_changed(trial: Trial, route: Route) -> Sent:
    signed, sent = trial.ask(route, query="?page=1"), trial.ask(route, query="?page=2")
    return sent, trial.signer.sign(signed, assertion=trial.assertion(trial.citizen, route))


def _query_added(trial: Trial, route: Route) -> Sent:
    signed, sent = trial.ask(route), trial.ask(route, query="?page=2")
    return sent, trial.signer.sign(signed, assertion=trial.assertion(trial.citizen, route))


def _for_another_host(trial: Trial, route: Route) -> Sent:
    ask, city = trial.ask(route), trial.signer.city(authority="elsewhere.example")
    headers = trial.signer.sign(ask, assertion=trial.assertion(trial.citizen, route), city=city)
    return ask, headers | {"host": trial.signer.authority}


def _unsigned(trial: Trial, route: Route) -> Sent:
    ask = trial.ask(route)
    return ask, trial.signer.plain(ask) | {"host": trial.signer.authority}


def _plain_user_headers(trial: Trial, route: Route) -> Sent:
    ask, headers = _unsigned(trial, route)
    names = ("x-user-id", "x-forwarded-user", "ssb-sub", "x-openid")
    return ask, {**headers, **dict.fromkeys(names, "sandbox-1"), "ssb-app": trial.manifest.app_id}


def _assertion_alone(trial: Trial, route: Route) -> Sent:
    ask, headers = _unsigned(trial, route)
    return ask, {**headers, "ssb-app": trial.manifest.app_id, "ssb-assertion": trial.assertion(trial.citizen, route)}


def _nobody(trial: Trial, route: Route) -> Sent:
    ask = trial.ask(route)
    return ask, trial.signer.sign(ask, assertion=None)


def _forged_assertion(trial: Trial, route: Route) -> Sent:
    ask, claims = trial.ask(route), _claims(trial, route)
    forger = trial.signer.city(assertion_key=_new_key())
    return ask, trial.signer.sign(ask, assertion=forger.assertion(**claims))


def _keys_swapped(trial: Trial, route: Route) -> Sent:
    ask, claims, own = trial.ask(route), _claims(trial, route), trial.signer.city()
    swapped = dataclasses.replace(own, assertion_kid=own.gateway_kid, assertion_key=own.gateway_key)
    return ask, trial.signer.sign(ask, assertion=swapped.assertion(**claims))


def _another_token(trial: Trial, route: Route) -> Sent:
    ask, claims = trial.ask(route), _claims(trial, route)
    return ask, trial.signer.sign(ask, assertion=trial.signer.city().assertion(typ="at+jwt", **claims))


def _alg_none(trial: Trial, route: Route) -> Sent:
    ask = trial.ask(route)
    claims = jwt.decode(trial.assertion(trial.citizen, route), options={"verify_signature": False})
    bare = jwt.encode(claims, "", algorithm="none", headers={"typ": "ssb-assertion+jwt"})
    return ask, trial.signer.sign(ask, assertion=bare)


def _citizen_switched(trial: Trial, route: Route) -> Sent:
    ask = trial.ask(route)
    signed = trial.signer.sign(ask, assertion=trial.assertion(trial.citizen, route))
    return ask, signed | {"ssb-assertion": trial.assertion(trial.other, route)}


def _claims(trial: Trial, route: Route) -> dict[str, Any]:
    decoded: dict[str, Any] = jwt.decode(
        trial.assertion(trial.citizen, route), options={"verify_signature": False, "verify_aud": False}
    )
    return decoded


async def _replayed(trial: Trial) -> Judgement:
    route = trial.probe()
    return skipped(NOTHING_TO_ASK) if route is None else await _sent_twice(trial, route)


async def _replayed_stream(trial: Trial) -> Judgement:
    route = trial.stream_probe()
    return skipped(NO_STREAM) if route is None else await _sent_twice(trial, route)


async def _sent_twice(trial: Trial, route: Route) -> Judgement:
    ask = trial.ask(route)
    headers = trial.signer.sign(ask, assertion=trial.assertion(trial.citizen, route))
    first = await trial.send(ask, headers)
    if first.status in {401, 403}:
        return failed(f"first-time-{first.status}")
    return _stream_refused(await trial.send(ask, headers))


async def _replayed_card(trial: Trial) -> Judgement:
    widgets = trial.widgets(personal=False)
    if not widgets:
        return skipped("no-public-card")
    ask = trial.ask_cards(widgets)
    headers = trial.signer.sign(ask, assertion=None)
    first = await trial.send(ask, headers)
    if first.status in {401, 403}:
        return failed(f"first-time-{first.status}")
    return refused(await trial.send(ask, headers))


async def _named_twice(trial: Trial) -> Judgement:
    route = trial.probe()
    if route is None:
        return skipped(NOTHING_TO_ASK)
    ask = trial.ask(route)
    headers = trial.signer.sign(ask, assertion=trial.assertion(trial.citizen, route))
    return refused(await trial.send(ask, headers, ("ssb-assertion", trial.assertion(trial.other, route))))


async def _body_changed(trial: Trial) -> Judgement:
    """By a write where there is one, else by the question for cards: both take a body."""
    route, widgets = trial.writing(), trial.widgets(personal=False) or trial.widgets(personal=True)
    if route is not None and not trial.live:
        ask, citizen = trial.ask(route, body=b'{"kit":1}'), trial.citizen
    elif widgets:
        ask, citizen, route = trial.ask_cards(widgets), trial.citizen, None
    else:
        return skipped("nothing-takes-a-body")
    headers = trial.signer.sign(ask, assertion=trial.assertion(citizen, route))
    answer = await trial.send(structs.replace(ask, body=ask.body + b" "), headers)
    # 400 would be no proof: the kit's body may not be what the route takes.
    return (passed if answer.status in {401, 403} else failed)(str(answer.status))


REFUSING: Final[Mapping[str, Judge]] = {
    "unsigned": _refusing(_unsigned),
    "plain-user-headers": _refusing(_plain_user_headers),
    "assertion-alone": _refusing(_assertion_alone),
    "nobody": _refusing(_nobody),
    "forged-assertion": _refusing(_forged_assertion),
    "keys-swapped": _refusing(_keys_swapped),
    "alg-none": _refusing(_alg_none),
    "another-token": _refusing(_another_token),
    "expired-assertion": _refusing(_assertion_from(-LONG_AGO, MINUTE)),
    "future-assertion": _refusing(_assertion_from(LONG_AGO, MINUTE)),
    "long-assertion": _refusing(_assertion_from(0, HOUR)),
    "others-assertion": _refusing(_assertion_by(aud=OTHER_APP)),
    "others-city": _refusing(_assertion_by(iss=OTHER_CITY)),
    "nameless": _refusing(_assertion_by(sub=None)),
    "citizen-switched": _refusing(_citizen_switched),
    "named-twice": _named_twice,
    "replayed": _replayed,
    "replayed-card": _replayed_card,
    "unsigned-stream": _refusing_stream(_unsigned),
    "forged-stream": _refusing_stream(_signed_by(lambda: {"gateway_key": _new_key()})),
    "wrong-stream": _refusing_stream(_signed_for(lambda ask: structs.replace(ask, target=ask.target + "-other"))),
    "replayed-stream": _replayed_stream,
    "wrong-path": _refusing(_signed_for(lambda ask: structs.replace(ask, target=ask.target + "-other"))),
    "wrong-query": _refusing(_query_changed),
    "added-query": _refusing(_query_added),
    "wrong-method": _refusing(_signed_for(lambda ask: structs.replace(ask, method="DELETE"))),
    "wrong-body": _body_changed,
    "wrong-host": _refusing(_for_another_host),
    "forged-signature": _refusing(_signed_by(lambda: {"gateway_key": _new_key()})),
    "unknown-key": _refusing(_signed_by(lambda: {"gateway_key": _new_key(), "gateway_kid": "00000000"})),
    "expired-signature": _refusing(_at(-LONG_AGO)),
    "future-signature": _refusing(_at(LONG_AGO)),
    "long-signature": _refusing(_signed(life_seconds=HOUR)),
    "other-tag": _refusing(_signed(tag="other")),
    "others-app": _refusing(_signed_by(lambda: {"app_id": OTHER_APP})),
    "uncovered-assertion": _refusing(_signed(uncovered=frozenset({"ssb-assertion"}))),
    "uncovered-path": _refusing(_signed(uncovered=frozenset({"@path"}))),
}
