"""One call of a synthetic citizen as the gateway would send it, and what it would let through of the answer: for the
city's sandbox or a developer's own. Pure but for the clock of its signer.
"""

from typing import Any, Final

from app.kit.structs import Model
from miniapps.conformance.ports import Answer, Outgoing
from miniapps.conformance.trial import Place
from miniapps.manifest import Manifest, Route
from miniapps.manifest.masking import mask_answer, masks_of
from miniapps.sandbox.citizens import BY_NAME, SyntheticCitizen, claims_of, openid_of
from miniapps.sandbox.models import CallInSandbox
from miniapps.sandbox.signing import Ask, CityKeys, Signer

LONGEST_SECONDS: Final = 10.0
LARGEST_ANSWER: Final = 1024 * 1024


class PreparedCall(Model):
    """What goes out, and what it tells of whom."""

    outgoing: Outgoing
    openid: str
    granted: dict[str, Any]


def signer_for(manifest: Manifest, place: Place, *, issuer: str, keys: CityKeys, now: Any) -> Signer:
    """A signer for this mini-app's test server."""
    return Signer(
        issuer=issuer, app_id=manifest.app_id, authority=place.authority, zone=min(manifest.zones), keys=keys, now=now
    )


def prepare_call(
    manifest: Manifest, route: Route, request: CallInSandbox, *, place: Place, signer: Signer
) -> PreparedCall:
    """The signed request for the route that was found."""
    citizen = BY_NAME[request.citizen]
    claims = claims_of(citizen, manifest.app_id, route, {scope.name: scope for scope in manifest.scopes})
    ask = Ask(
        method=request.method,
        target=place.base_path + request.path + request.query,
        body=request.body.encode(),
        headers=_hints(citizen, request),
        timeout_seconds=min(route.timeout_ms / 1000, LONGEST_SECONDS),
    )
    assertion = signer.city().assertion(**claims) if route.min_ial else None
    outgoing = Outgoing(
        method=ask.method,
        url=place.origin + ask.target,
        headers=tuple(signer.sign(ask, assertion=assertion).items()),
        body=ask.body,
        timeout_seconds=ask.timeout_seconds,
        largest_answer=LARGEST_ANSWER,
    )
    return PreparedCall(outgoing=outgoing, openid=openid_of(citizen, manifest.app_id), granted=claims.get("fields", {}))


def masked_body(manifest: Manifest, route: Route, answer: Answer) -> bytes | None:
    """What a citizen would see of the answer; None where nothing is masked. Raises `NotMaskable`."""
    masks = masks_of(manifest).get((route.method, route.path))
    if masks is None:
        return None
    return mask_answer(answer.status, answer.raw_headers(), answer.body, masks)


def _hints(citizen: SyntheticCitizen, request: CallInSandbox) -> dict[str, str]:
    elder = {"ssb-elder": "1"} if citizen.elder else {}
    return elder | ({"idempotency-key": request.idempotency_key} if request.idempotency_key else {})
