"""The positive cases: what a department must do with good requests, in time, within size, and without giving away
what is not its to give.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from auth.documents import id_card_number_is_valid
from miniapps.conformance.cards import cards_problem
from miniapps.conformance.judging import (
    ELSEWHERE,
    GOOD,
    NOT_FOUND,
    Judge,
    Judgement,
    believed,
    failed,
    passed,
    skipped,
    warned,
)
from miniapps.conformance.ports import Unanswered
from miniapps.conformance.trial import Trial
from miniapps.manifest import Route
from miniapps.manifest.masking import NotMaskable, mask_answer, masks_of
from miniapps.manifest.models import SAFE_METHODS
from miniapps.sandbox.citizens import SyntheticCitizen, openid_of

NO_ROUTE: Final = "no-route"
NO_STREAM: Final = "no-stream"
NO_CARD: Final = "no-card"
PAGE_STATUSES: Final = frozenset({200, 206, 304})
ODD_QUERY: Final = "?q=%E4%B9%A6&x=a%2Fb%2E&y=1+2&z"
ID_NUMBER: Final = re.compile(rb"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
DROPPED: Final = (
    "set-cookie",
    "clear-site-data",
    "access-control-allow-origin",
    "strict-transport-security",
    "alt-svc",
)


async def _health(trial: Trial) -> Judgement:
    answer = await trial.health()
    return (passed if answer.status in GOOD else failed)(str(answer.status))


async def _good_call(trial: Trial) -> Judgement:
    route = trial.probe()
    if route is None:
        return skipped(NO_ROUTE)
    answer = await trial.call(trial.ask(route), trial.citizen, route)
    return believed(answer, has_parameter="{" in route.path)


async def _odd_query(trial: Trial) -> Judgement:
    """What it makes of the query is its own affair; that the signature holds is not."""
    route = trial.probe()
    if route is None:
        return skipped(NO_ROUTE)
    answer = await trial.call(trial.ask(route, query=ODD_QUERY), trial.citizen, route)
    return (failed if answer.status in {401, 403} else passed)(str(answer.status))


async def _every_route(trial: Trial) -> Judgement:
    """Each declared route once, writes with an empty object; the first that fails is told."""
    tried = 0
    for route in trial.routes():
        body = b"" if route.method in SAFE_METHODS or route.method == "DELETE" else b"{}"
        try:
            answer = await trial.call(trial.ask(route, body=body), _caller(trial, route), route)
        except Unanswered as unanswered:
            return failed(f"{route.method} {route.path} {unanswered.trouble}")
        judgement = believed(answer, has_parameter="{" in route.path)
        if judgement.outcome == "failed":
            return failed(f"{route.method} {route.path} {judgement.seen}")
        tried += 1
    return passed(f"{tried} routes") if tried else skipped(NO_ROUTE)


async def _every_stream(trial: Trial) -> Judgement:
    """Each declared stream begins in time; how it goes on is between department and citizen."""
    tried = 0
    for route in trial.streams():
        try:
            answer = await trial.call(trial.ask(route), _caller(trial, route), route)
        except Unanswered as unanswered:
            return failed(f"{route.method} {route.path} {unanswered.trouble}")
        if believed(answer, has_parameter="{" in route.path).outcome == "failed":
            return failed(f"{route.method} {route.path} {answer.status}")
        tried += 1
    return passed(f"{tried} streams") if tried else skipped(NO_STREAM)


async def _pages(trial: Trial) -> Judgement:
    """Whoever looks is nobody in particular. A redirect would lead somewhere that nobody reviewed."""
    ask = trial.ask_page()
    if ask is None:
        return skipped("no-pages")
    answer = await trial.call(ask, None)
    return (passed if answer.status in PAGE_STATUSES else failed)(str(answer.status))


def _caller(trial: Trial, route: Route) -> SyntheticCitizen | None:
    return trial.citizen if route.min_ial > 0 else None


async def _two_citizens(trial: Trial) -> Judgement:
    """A, B and A again on one connection: nobody's answer holds the other's name or fields."""
    route = trial.probe()
    if route is None:
        return skipped(NO_ROUTE)
    for one, other in ((trial.citizen, trial.other), (trial.other, trial.citizen), (trial.citizen, trial.other)):
        answer = await trial.call(trial.ask(route), one, route)
        if answer.status in {401, 403}:
            return failed(str(answer.status))
        if any(secret in answer.body for secret in _traces_of(other, trial)):
            return failed("the-others-data")
    return passed("apart")


def _traces_of(citizen: SyntheticCitizen, trial: Trial) -> list[bytes]:
    told = (citizen.fields["full_name"], citizen.fields["display_name"], citizen.fields["id_number"])
    return [text.encode() for text in (openid_of(citizen, trial.manifest.app_id), *told)]


async def _elder(trial: Trial) -> Judgement:
    route = trial.probe()
    if route is None:
        return skipped(NO_ROUTE)
    ask = msgspec.structs.replace(trial.ask(route), headers={"ssb-elder": "1"})
    answer = await trial.call(ask, trial.elder, route)
    return believed(answer, has_parameter="{" in route.path)


async def _public_cards(trial: Trial) -> Judgement:
    return await _cards(trial, None, personal=False)


async def _personal_cards(trial: Trial) -> Judgement:
    return await _cards(trial, trial.citizen, personal=True)


async def _cards(trial: Trial, citizen: SyntheticCitizen | None, *, personal: bool) -> Judgement:
    widgets = trial.widgets(personal=personal)
    if not widgets:
        return skipped(NO_CARD)
    answer = await trial.call(trial.ask_cards(widgets), citizen)
    if answer.status not in GOOD:
        return failed(str(answer.status))
    problem = cards_problem(answer.body, trial.manifest.app_id, widgets)
    return passed(f"{len(widgets)} asked") if problem is None else failed(problem)


async def _only_asked_cards(trial: Trial) -> Judgement:
    """Asked for none, it sends none."""
    widgets = trial.widgets(personal=False) or trial.widgets(personal=True)
    if not widgets:
        return skipped(NO_CARD)
    ask = msgspec.structs.replace(trial.ask_cards(widgets), body=b'{"widgets":[],"zone":"190000"}')
    answer = await trial.call(ask, None)
    if answer.status not in GOOD:
        return failed(str(answer.status))
    problem = cards_problem(answer.body, trial.manifest.app_id, {})
    return passed("none") if problem is None else failed(problem)


async def _unreadable_question(trial: Trial) -> Judgement:
    """A question for cards that is no JSON is an error of the asker, not of the server."""
    widgets = trial.widgets(personal=False) or trial.widgets(personal=True)
    if not widgets:
        return skipped(NO_CARD)
    ask = msgspec.structs.replace(trial.ask_cards(widgets), body=b"\xff{")
    answer = await trial.call(ask, None)
    return (failed if answer.status >= 500 else passed)(str(answer.status))  # noqa: PLR2004 - any server fault


async def _masked(trial: Trial) -> Judgement:
    """What the gateway must mask it must be able to read: JSON, unencoded, whole, and a text at each place."""
    masks = masks_of(trial.manifest)
    routes = [route for route in trial.routes() if route.method in SAFE_METHODS and (route.method, route.path) in masks]
    if not routes:
        return skipped("nothing-masked")
    for route in routes:
        answer = await trial.call(trial.ask(route), _caller(trial, route), route)
        try:
            mask_answer(answer.status, answer.raw_headers(), answer.body, masks[route.method, route.path])
        except NotMaskable as problem:
            return failed(f"{route.path} {problem}")
    return passed(f"{len(routes)} routes")


async def _plain_headers(trial: Trial) -> Judgement:
    """What the gateway drops anyway should not be relied upon."""
    route = trial.probe()
    if route is None:
        return skipped(NO_ROUTE)
    answer = await trial.call(trial.ask(route), trial.citizen, route)
    found = [name for name, _ in answer.headers if name in DROPPED]
    return warned(" ".join(sorted(set(found)))) if found else passed("none")


async def _no_document_numbers(trial: Trial) -> Judgement:
    """An ID number that no masking covers: legal where it was granted, and nearly always a mistake."""
    route = trial.probe()
    if route is None:
        return skipped(NO_ROUTE)
    answer = await trial.call(trial.ask(route), trial.citizen, route)
    covered = {(masking.method, masking.path) for masking in trial.manifest.data.masking if masking.rule == "document"}
    leaks = any(id_card_number_is_valid(found.decode().upper()) for found in ID_NUMBER.findall(answer.body))
    if not leaks or (route.method, route.path) in covered:
        return passed("none")
    return warned("id-number-in-the-clear")


async def _unknown_path(trial: Trial) -> Judgement:
    """What is not there is not there, also for a good request; a page for everything hides mistakes."""
    route = trial.probe()
    if route is None:
        return skipped(NO_ROUTE)
    ask = trial.ask(route)
    ask = msgspec.structs.replace(ask, target=ask.target.rstrip("/") + "/there-is-no-such-thing")
    answer = await trial.call(ask, trial.citizen, route)
    if answer.status in GOOD or answer.status in ELSEWHERE:
        return warned(str(answer.status))
    return (passed if answer.status in {NOT_FOUND, 401, 403} else failed)(str(answer.status))


async def _no_echo(trial: Trial) -> Judgement:
    """Judged last: no answer to any request so far held the assertion or the signature that came with it."""
    return failed(f"{trial.echoed} answers") if trial.echoed else passed("none")


ANSWERING: Final[Mapping[str, Judge]] = {
    "health": _health,
    "good-call": _good_call,
    "every-route": _every_route,
    "every-stream": _every_stream,
    "pages": _pages,
    "odd-query": _odd_query,
    "two-citizens": _two_citizens,
    "elder": _elder,
    "unknown-path": _unknown_path,
    "public-cards": _public_cards,
    "personal-cards": _personal_cards,
    "only-asked-cards": _only_asked_cards,
    "unreadable-question": _unreadable_question,
    "masked-json": _masked,
    "dropped-headers": _plain_headers,
    "document-numbers": _no_document_numbers,
    "no-echo": _no_echo,
}
