"""The verifier, as pure functions: usable with no database and no network, and the first half of every online scan.

`examine` reads a code and checks its signatures; `judge` holds what it says against status, time and scenario.
`verify_offline` is both. Being offline it cannot tell a replay, and it discloses nothing: only the city can.
"""

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias

from app.kit.structs import Model
from codes.envelope import cose
from codes.envelope.claims import Claims, Kind, device_verifying_key, kid_of
from codes.envelope.cose import ObjectType, Sign1, external_aad
from codes.envelope.paper_code import PaperFacts, UnverifiedPaperCode, is_paper_code, paper_code_of
from codes.envelope.presentation import (
    Presentation,
    UnverifiedPresentation,
    decode_text,
    presentation_of,
    read_usual,
)
from codes.envelope.profiles import VerifyingKey
from codes.envelope.static_code import UnverifiedStaticCode, parse_static_code
from codes.showing.online.carriers import is_digits, is_token
from codes.status.models import Status, VerifiedStatusList
from codes.trust.models import CodeFormat, KeyUse, ScenarioPolicy, VerifiedTrustList
from codes.verdict import Check, Freshness, Reason, Refused, VerificationResult, retry_of, verdict_of

FARTHEST_AHEAD_SECONDS = 30
OFFLINE_ALLOWANCE_SECONDS = 15
STEPS = (
    "format",
    "issuer_key",
    "issuer_signature",
    "device_signature",
    "kind",
    "trust_list",
    "status",
    "validity",
    "freshness",
    "scenario",
    "scanner",
    "holder",
    "replay",
)
ONLINE_ONLY = ("scanner", "replay")
NO_DEVICE = ("device_signature", "freshness")
NO_ISSUER = ("issuer_key", "issuer_signature")
NOT_MADE: dict[Kind | None, tuple[str, ...]] = {
    Kind.P: (),
    Kind.F: (),
    Kind.L: NO_DEVICE,
    Kind.O: NO_ISSUER,
    Kind.E: NO_DEVICE,
    Kind.V: NO_DEVICE,
    Kind.I: NO_DEVICE,
    None: (*NO_ISSUER, *NO_DEVICE, "validity"),
}
"""The steps that a carrier has no use for."""
GENERAL = 0
PERSONAL = frozenset({Kind.P, Kind.F, Kind.L, Kind.O})

ReadCode: TypeAlias = UnverifiedPresentation | UnverifiedPaperCode | UnverifiedStaticCode


ISSUED: dict[type[ReadCode], ObjectType] = {
    UnverifiedPresentation: ObjectType.GRANT,
    UnverifiedPaperCode: ObjectType.PAPER_CODE,
    UnverifiedStaticCode: ObjectType.STATIC_CODE,
}
"""As what the city signs each of them."""


class Shown(Model):
    """What any carrier says of itself, as much as a verdict needs; `kind` None is a document, which is no code.

    `presentation` is what the holder's device vouched for at that second, where a device does; `printed` what a paper
    says of its holder, for the comparison with a document.
    """

    kind: Kind | None
    expires_at: int | None = None
    presentation: Presentation | None = None
    printed: PaperFacts | None = None

    @property
    def needs_holder_check(self) -> bool:
        """Whether anybody could show this, so that a person must compare the holder with a document."""
        return self.kind is None or self.kind is Kind.L


class Examined(Model):
    """What was read, after all that needs no books was checked. `reason` says if it is true.

    `shown` is there when it could be read, `claims` when the city signed them.
    """

    reason: Reason
    failed_step: str | None
    shown: Shown | None = None
    claims: Claims | None = None

    @property
    def presentation(self) -> Presentation | None:
        """What the phone signed, if this is a personal code that could be read."""
        return None if self.shown is None else self.shown.presentation


class Challenge(Model):
    """What the scanner showed the phone beforehand: its place, and a nonce of this one scan."""

    aud: str
    cnonce: bytes | None


class StatusFound(Model):
    """The status of a code and since when it is known; `status` None means that nobody could tell."""

    status: Status | None
    as_of: datetime | None = None
    stale: bool = False


class Judged(Model):
    """The outcome so far: `stale_steps` passed only because the scenario fails open."""

    reason: Reason
    failed_step: str | None = None
    stale_steps: frozenset[str] = frozenset()


def verify_offline(
    text: str,
    *,
    trust_list: VerifiedTrustList,
    status_lists: Mapping[int, VerifiedStatusList],
    policy: ScenarioPolicy,
    code_format: CodeFormat,
    now: datetime,
    challenge: Challenge | None = None,
    holder_checked: bool = False,
) -> VerificationResult:
    """The verdict of a verifier that holds nothing but lists. Never raises, whatever `text` is.

    `holder_checked`: somebody compared the holder with a document, without which no paper code is accepted.
    """
    examined = examine(text, trust_list, code_format, now)
    status = StatusFound(status=None)
    judged = Judged(reason=examined.reason, failed_step=examined.failed_step)
    if examined.reason is Reason.OK and examined.shown is not None and examined.claims is not None:
        status = status_from_lists(examined.claims, status_lists, now)
        judged = judge(
            examined.shown,
            trust_list,
            status,
            policy,
            now,
            challenge=challenge,
            allowance_seconds=OFFLINE_ALLOWANCE_SECONDS,
        )
        judged = check_holder(judged, examined.shown, holder_checked=holder_checked)
    looked_at = examined.shown is not None and examined.shown.needs_holder_check
    skipped = ONLINE_ONLY if looked_at else (*ONLINE_ONLY, "holder")
    return VerificationResult(
        verification_id=None,
        verdict=verdict_of(judged.reason),
        reason=judged.reason,
        retry=retry_of(judged.reason),
        mode="offline",
        kind=None if examined.claims is None else examined.claims.kind.name,
        scenario=policy.number,
        checks=checks_of(judged, policy.number, examined.shown, skipped=skipped),
        freshness=freshness_of(trust_list, status, examined.presentation, now),
        printed=printed_on(examined.shown, judged.reason),
    )


def examine(text: str, trust_list: VerifiedTrustList, code_format: CodeFormat, now: datetime) -> Examined:
    """Reads `text` under all limits, then checks who signed it; never raises. Online codes only the city can check."""
    if is_digits(text) or is_token(text, code_format.prefix):
        return Examined(reason=Reason.STATUS_UNKNOWN, failed_step="device_signature", shown=Shown(kind=Kind.O))
    code: ReadCode | None = None
    reason, step = Reason.OK, None
    try:
        code = read_code(text, code_format)
        _check_signatures(code, trust_list, code_format, now)
    except Refused as refused:
        reason, step = refused.reason, refused.step if refused.step in STEPS else "format"
    if code is None:
        return Examined(reason=reason, failed_step=step)
    return Examined(reason=reason, failed_step=step, shown=shown_by(code), claims=code.claims)


def shown_by(code: ReadCode) -> Shown:
    """What a signed code says of itself."""
    claims = code.claims
    if isinstance(code, UnverifiedPresentation):
        return Shown(kind=claims.kind, expires_at=claims.expires_at, presentation=code.presentation)
    printed = code.facts if isinstance(code, UnverifiedPaperCode) else None
    return Shown(kind=claims.kind, expires_at=claims.expires_at, printed=printed)


def read_code(text: str, code_format: CodeFormat) -> ReadCode:
    """The code in `text` by its carrier, unverified; raises `Refused`."""
    if text[:5].upper().startswith("HTTP"):
        return parse_static_code(text, code_format.host)
    data = decode_text(text, code_format.prefix)
    if usual := read_usual(data):
        return usual
    message = cose.parse_sign1(data)
    return paper_code_of(message) if is_paper_code(message) else presentation_of(message)


def judge(
    shown: Shown,
    trust_list: VerifiedTrustList,
    status: StatusFound,
    policy: ScenarioPolicy,
    now: datetime,
    *,
    challenge: Challenge | None = None,
    allowance_seconds: int = 0,
) -> Judged:
    """What a true code is worth here and now: kind, lists, status, validity, freshness, scenario."""
    stale: set[str] = set()
    try:
        _check_kind(shown, policy)
        if now > trust_list.next_update_at:
            _tolerate("trust_list", Reason.TRUST_LIST_STALE, policy, stale)
        _check_status(status, policy, stale)
        _check_expiry(shown, now)
        if shown.presentation is not None:
            check_freshness(shown.presentation.iat, policy, now, allowance_seconds)
            _check_challenge(shown.presentation, policy, challenge)
            check_scenario(shown.presentation, policy)
    except Refused as refused:
        return Judged(reason=refused.reason, failed_step=refused.step, stale_steps=frozenset(stale))
    return Judged(reason=Reason.OK, stale_steps=frozenset(stale))


def check_holder(judged: Judged, shown: Shown, *, holder_checked: bool) -> Judged:
    """Paper and typed numbers are accepted only after a person compared the holder with a document."""
    if judged.reason is not Reason.OK or holder_checked or not shown.needs_holder_check:
        return judged
    return Judged(reason=Reason.HOLDER_CHECK_REQUIRED, failed_step="holder", stale_steps=judged.stale_steps)


def printed_on(shown: Shown | None, reason: Reason) -> dict[str, str]:
    """What the paper says of its holder; nothing of a paper that does not count."""
    if shown is None or shown.printed is None or reason not in (Reason.OK, Reason.HOLDER_CHECK_REQUIRED):
        return {}
    return {"display_name": shown.printed.display_name, "document_tail": shown.printed.document_tail}


def status_from_lists(claims: Claims, lists: Mapping[int, VerifiedStatusList], now: datetime) -> StatusFound:
    """The status of a code by pulled lists."""
    found = lists.get(claims.shard)
    if found is None:
        return StatusFound(status=None)
    stale = (now - found.issued_at).total_seconds() > found.ttl_seconds
    return StatusFound(status=found.find_status(claims.index), as_of=found.issued_at, stale=stale)


def check_freshness(iat: int, policy: ScenarioPolicy, now: datetime, allowance_seconds: int) -> None:
    """-30 s <= now - iat <= what the scenario allows; raises `Refused` (CLOCK_SKEW, STALE_CODE)."""
    age = now.timestamp() - iat
    if age < -FARTHEST_AHEAD_SECONDS:
        raise Refused(Reason.CLOCK_SKEW, "freshness")
    if age > policy.freshness_seconds + allowance_seconds:
        raise Refused(Reason.STALE_CODE, "freshness")


def check_scenario(presentation: Presentation, policy: ScenarioPolicy) -> None:
    """A code that was opened for this scenario, or for none where that is enough; raises `Refused`."""
    if presentation.scenario == policy.number:
        return
    if presentation.scenario != GENERAL or not policy.general_ok:
        raise Refused(Reason.SCENARIO_MISMATCH, "scenario")


def checks_of(judged: Judged, scenario: int, shown: Shown | None = None, skipped: tuple[str, ...] = ()) -> list[Check]:
    """One line for each step: those before the failed one passed, those after it were not made."""
    unused = () if shown is None else NOT_MADE[shown.kind]
    return list(_checks(judged, scenario, skipped + unused))


@functools.lru_cache(maxsize=1024)
def _checks(judged: Judged, scenario: int, skipped: tuple[str, ...]) -> tuple[Check, ...]:
    unmade = set(skipped)
    checks: list[Check] = []
    for step in STEPS:
        if step == judged.failed_step:
            needed = scenario if judged.reason is Reason.SCENARIO_MISMATCH else None
            checks.append(Check(name=step, result="fail", needed=needed))
            unmade = set(STEPS)
            continue
        checks.append(Check(name=step, result=_result_of(step, judged, unmade)))
    return tuple(checks)


def freshness_of(
    trust_list: VerifiedTrustList, status: StatusFound, presentation: Presentation | None, now: datetime
) -> Freshness:
    """How old everything is that the verdict rests on."""
    return Freshness(
        trust_list_version=trust_list.version,
        trust_list_age_s=int((now - trust_list.issued_at).total_seconds()),
        status_as_of=status.as_of,
        code_age_s=None if presentation is None else int(now.timestamp()) - presentation.iat,
    )


def find_key(trust_list: VerifiedTrustList, message: Sign1, use: int, now: datetime) -> VerifyingKey:
    """The listed key that signed `message`, if it may sign for `use` now; raises `Refused`."""
    key = trust_list.keys.get(kid_of(message))
    moment = now.timestamp()
    if key is None or (key.not_after is not None and moment > key.not_after):
        raise Refused(Reason.UNKNOWN_KEY, "issuer_key")
    if moment < key.not_before:
        raise Refused(Reason.NOT_YET_VALID, "issuer_key")
    if use not in key.kinds:
        raise Refused(Reason.KEY_NOT_FOR_KIND, "issuer_key")
    verifying_key: VerifyingKey = key.verifying_key
    return verifying_key


def status_list_key(trust_list: VerifiedTrustList, message: Sign1, now: datetime) -> VerifyingKey | None:
    """The listed key of a status list, or None."""
    try:
        return find_key(trust_list, message, KeyUse.STATUS_LIST, now)
    except Refused:
        return None


def _check_signatures(code: ReadCode, trust_list: VerifiedTrustList, code_format: CodeFormat, now: datetime) -> None:
    environment = code_format.environment
    issued = ISSUED[type(code)]
    key = find_key(trust_list, code.issuer_message, code.claims.kind, now)
    cose.check_signature(code.issuer_message, key, external_aad(issued, environment))
    if isinstance(code, UnverifiedPresentation):
        device = device_verifying_key(code.claims.device_key)
        aad = external_aad(ObjectType.PRESENTATION, environment)
        cose.check_signature(code.device_message, device, aad, Reason.BAD_DEVICE_SIGNATURE)


def _tolerate(step: str, reason: Reason, policy: ScenarioPolicy, stale: set[str]) -> None:
    """Goes on, and remembers why that is weaker, where the scenario fails open; else raises `Refused`."""
    if not policy.fails_open:
        raise Refused(reason, step)
    stale.add(step)


def _check_status(found: StatusFound, policy: ScenarioPolicy, stale: set[str]) -> None:
    if found.status is Status.INVALID:
        raise Refused(Reason.REVOKED, "status")
    if found.status is Status.SUSPENDED:
        raise Refused(Reason.SUSPENDED, "status")
    if found.status is None or found.stale:
        _tolerate("status", Reason.STATUS_UNKNOWN, policy, stale)


def _check_kind(shown: Shown, policy: ScenarioPolicy) -> None:
    """A document serves wherever a person may show a code; who may ask for one is the scanner's matter."""
    fits = shown.kind in policy.kinds if shown.kind is not None else not policy.kinds.isdisjoint(PERSONAL)
    if not fits:
        raise Refused(Reason.WRONG_CARRIER, "kind")


def _check_expiry(shown: Shown, now: datetime) -> None:
    if shown.expires_at is not None and now.timestamp() >= shown.expires_at:
        raise Refused(Reason.GRANT_EXPIRED, "validity")


def _check_challenge(presentation: Presentation, policy: ScenarioPolicy, challenge: Challenge | None) -> None:
    """A presentation that was made for a place or a nonce is good nowhere else; high value asks for both."""
    aud = None if challenge is None else challenge.aud
    cnonce = None if challenge is None else challenge.cnonce
    made_for_another = (presentation.aud not in (None, aud)) or (presentation.cnonce not in (None, cnonce))
    if made_for_another:
        raise Refused(Reason.REPLAYED, "freshness")
    if policy.high_value and (presentation.aud is None or presentation.cnonce is None):
        raise Refused(Reason.HOLDER_CHECK_REQUIRED, "freshness")


def _result_of(step: str, judged: Judged, unmade: set[str]) -> Literal["pass", "skipped", "stale"]:
    if step in unmade:
        return "skipped"
    return "stale" if step in judged.stale_steps else "pass"
