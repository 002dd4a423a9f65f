"""Calls of synthetic citizens to a department's test server, signed by the sandbox, before anybody reviewed anything.

Refuses every address but the version's own `base_url.sandbox`, and every route that its manifest does not declare.
Holds no connection while it waits for a department.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.kit.clock import Clock
from app.kit.database import Database
from app.kit.errors import TemporarilyUnavailable
from app.kit.keyring import Keyring
from app.kit.structs import Text
from auth.principal import Principal
from miniapps.conformance.ports import Answer, OpensNetworks, Unanswered
from miniapps.conformance.trial import Place, place_of
from miniapps.errors import RouteNotDeclared, SandboxAddressMissing, SandboxUnanswered
from miniapps.manifest import Manifest, Route, decode_canonical
from miniapps.manifest.masking import NotMaskable
from miniapps.registry import repository as apps
from miniapps.registry.service import refuse_other_department
from miniapps.releases import repository as versions
from miniapps.sandbox.calls import masked_body, prepare_call, signer_for
from miniapps.sandbox.citizens import CITIZENS
from miniapps.sandbox.keys import issuer_of_sandbox, sandbox_keys
from miniapps.sandbox.models import (
    LARGEST_BODY,
    AnswerInSandbox,
    CallInSandbox,
    SandboxCitizen,
    SandboxView,
    find_route,
)

AT_ONCE: Final = 8


class Sandbox:
    """The sandbox of one city. Takes a few calls at once in each worker: a bench for developers, not a way in."""

    def __init__(
        self, *, database: Database, keyring: Keyring, clock: Clock, issuer: str, opens_network: OpensNetworks
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._issuer = issuer_of_sandbox(issuer)
        self._opens_network = opens_network
        self._under_way = 0

    def describe(self) -> SandboxView:
        """Where the keys are and who lives there."""
        citizens = [
            SandboxCitizen(name=citizen.name, elder=citizen.elder, fields=dict(citizen.fields)) for citizen in CITIZENS
        ]
        return SandboxView(
            issuer=self._issuer,
            jwks_uri=f"{self._issuer}/.well-known/ssb-jwks",
            citizens=citizens,
            advice=Text(
                zh=f"测试服务器以 issuer={self._issuer} 启动；正式服务器绝不信任它。",
                en=f"Start your test server with issuer={self._issuer}; a live one never trusts it.",
            ),
        )

    async def call(self, principal: Principal, app_id: str, code: int, request: CallInSandbox) -> AnswerInSandbox:
        """What the version's test server answers.

        Raises `AppUnknown`, `VersionUnknown`, `OtherDepartment`, `SandboxAddressMissing`, `RouteNotDeclared`,
        `SandboxUnanswered` and, when too many wait, `TemporarilyUnavailable`.
        """
        with self._place():
            manifest = await self._read(principal, app_id, code)
            base_url = manifest.backend.base_url.sandbox if manifest.backend else None
            if base_url is None:
                raise SandboxAddressMissing
            route = find_route(manifest.routes, request.method, request.path)
            if route is None or route.body != "buffered":
                raise RouteNotDeclared
            return await self._send(manifest, place_of(base_url), route, request)

    async def _read(self, principal: Principal, app_id: str, code: int) -> Manifest:
        async with self._database.acquire() as connection:
            app = await apps.get_app(connection, app_id)
            refuse_other_department(principal, app.organization_id)
            version = await versions.get_version(connection, app_id, code)
        return decode_canonical(version.manifest)

    async def _send(self, manifest: Manifest, place: Place, route: Route, request: CallInSandbox) -> AnswerInSandbox:
        keys = sandbox_keys(self._keyring)
        signer = signer_for(manifest, place, issuer=self._issuer, keys=keys, now=lambda: self._clock.now().timestamp())
        prepared = prepare_call(manifest, route, request, place=place, signer=signer)
        started = time.perf_counter()
        try:
            async with self._opens_network() as network:
                answer = await network.send(prepared.outgoing)
        except Unanswered as unanswered:
            raise SandboxUnanswered(trouble=unanswered.trouble) from None
        masked, unmaskable = _as_seen(manifest, route, answer)
        return AnswerInSandbox(
            status=answer.status,
            content_type=answer.header("content-type")[:128],
            body=_text_of(answer.body),
            masked=masked,
            unmaskable=unmaskable,
            bytes=len(answer.body),
            milliseconds=int((time.perf_counter() - started) * 1000),
            route=f"{route.method} {route.path}",
            openid=prepared.openid,
            granted=prepared.granted,
        )

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._under_way >= AT_ONCE:
            raise TemporarilyUnavailable(retry_after=1)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1


def _as_seen(manifest: Manifest, route: Route, answer: Answer) -> tuple[str | None, str | None]:
    """What a citizen would see where something is masked, or why nobody would see anything."""
    try:
        masked = masked_body(manifest, route, answer)
    except NotMaskable as problem:
        return None, str(problem)
    return None if masked is None else _text_of(masked), None


def _text_of(body: bytes) -> str | None:
    try:
        return body[:LARGEST_BODY].decode()
    except UnicodeDecodeError:
        return None
