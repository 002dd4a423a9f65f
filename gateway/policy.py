"""Who may call what: one pure function of the matched route, the caller and what the citizen allowed.

Knows no transport, so that another data plane can ask the same question and get the same answer.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from app.kit.errors import StepUpRequired, SuishenError, Unauthenticated
from app.kit.structs import Model
from auth.assurance import FRESH_SECONDS, KEY, acr_values
from auth.errors import IdentityLevelTooLow, PhoneAloneNotEnough, WrongSubject
from auth.principal import Principal
from gateway import errors
from gateway.routing import Match
from gateway.snapshot import CompiledRoute
from miniapps.manifest import Scope, consent_text

AUDIENCE_OF: Final = {"person": "person", "organization": "organization", "official": "staff"}
VISITOR: Final = "visitor"
ON_THE_DOCUMENT: Final = frozenset({"full_name", "id_number"})


class ConsentGiven(Model):
    """An active consent of the citizen, and the fields it names."""

    id: UUID
    fields: frozenset[str]


class GrantedScope(Model):
    """A scope that goes into the assertion on its basis, with the fields that may be told. They never exceed it."""

    scope: Scope
    fields: tuple[str, ...]
    consent_id: UUID | None = None


class Decision(Model):
    """The call may be made, in this name and with these scopes; `principal` None is a visitor."""

    match: Match
    principal: Principal | None
    granted: tuple[GrantedScope, ...]


def consent_scopes(match: Match) -> Mapping[str, str]:
    """The scopes of the route that stand or fall with the citizen's consent, each with the version of its words.

    What must be looked up before deciding: a consent to other words is none.
    """
    recipient = match.app.recipient
    return {
        scope.name: consent_text(scope, recipient).version for scope in match.route.scopes if scope.basis == "consent"
    }


def decide(match: Match, principal: Principal | None, consents: Mapping[str, ConsentGiven]) -> Decision | SuishenError:
    """Whether the call may be made. `consents` maps scope names to the citizen's active consents for this app.

    A scope without its consent is left out, and refuses the call only when the manifest calls it required. Of a scope
    with consent, only the fields that the consent names are told.
    """
    return _refuse_caller(match, principal) or _grant(match, principal, consents)


def without_documents(decision: Decision) -> Decision:
    """The same, telling nothing that stands on the citizen's document: a volunteer keeps none, and is shown none."""
    granted = tuple(
        replace(grant, fields=tuple(field for field in grant.fields if field not in ON_THE_DOCUMENT))
        for grant in decision.granted
    )
    return replace(decision, granted=granted)


def _refuse_caller(match: Match, principal: Principal | None) -> SuishenError | None:
    route, app = match.route, match.app
    if principal is None:
        if route.min_ial > 0 or VISITOR not in app.audience:
            return Unauthenticated()
        return None
    audience = AUDIENCE_OF[principal.subject_type]
    if audience not in app.audience and not (VISITOR in app.audience and route.min_ial == 0):
        return WrongSubject(needed=", ".join(sorted(app.audience)))
    return _refuse_assurance(route, principal)


def _refuse_assurance(route: CompiledRoute, principal: Principal) -> SuishenError | None:
    if principal.unproven:  # a department knows the person by a name of its own, and would take a new holder for them
        return PhoneAloneNotEnough(acr_values=acr_values(aal=KEY), max_age=FRESH_SECONDS)
    if principal.ial < route.min_ial:
        return IdentityLevelTooLow(required_ial=route.min_ial, ial=principal.ial)
    if principal.aal < route.min_aal:
        return StepUpRequired(
            acr_values=acr_values(ial=max(route.min_ial, 1), aal=route.min_aal), max_age=FRESH_SECONDS
        )
    return None


def _basis_missing(match: Match, scope: Scope) -> errors.BasisMissing:
    """Names exactly what a consent would have to be given to: on trial a release may ask in words of its own."""
    words = consent_text(scope, match.app.recipient)
    return errors.BasisMissing(
        scope=scope.name,
        purpose=words.purpose,
        fields=list(words.fields),
        retention_days=words.retention_days,
        text_version=words.version,
        department_id=str(match.app.organization_id),
        app_id=match.app.app_id,
    )


def _grant(match: Match, principal: Principal | None, consents: Mapping[str, ConsentGiven]) -> Decision | SuishenError:
    granted: list[GrantedScope] = []
    for scope in match.route.scopes:
        consent = consents.get(scope.name)
        if scope.basis != "consent":
            granted.append(GrantedScope(scope=scope, fields=scope.fields))
        elif consent is not None:
            allowed = tuple(field for field in scope.fields if field in consent.fields)
            granted.append(GrantedScope(scope=scope, fields=allowed, consent_id=consent.id))
        elif scope.required:
            return _basis_missing(match, scope)
    return Decision(match=match, principal=principal, granted=tuple(granted))
