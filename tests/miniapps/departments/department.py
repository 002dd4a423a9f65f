"""A reference department as a server, with the gateway that calls it and the desks that ask it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp.test_utils import TestServer
from yarl import URL

from miniapps.departments.desks import DeskClient, DeskSigner
from miniapps.departments.program import Program
from miniapps.sdk import Jwks, Verifier
from miniapps.sdk.testing import TestCity


class Department:
    """A department's server, and the gateway that calls it."""

    def __init__(
        self, program: Program, data: Path, *, now: Callable[[], datetime] | None = None, trusts: TestCity | None = None
    ) -> None:
        self.program = program
        self.city = TestCity(app_id=program.app_id)
        self.office = program.open_office(data) if now is None else program.open_office(data, now=now)
        trusted = trusts or self.city
        self._verifier = Verifier(app_id=program.app_id, issuer=trusted.issuer, keys=Jwks(trusted.jwks()))
        self._server = TestServer(program.application(self.office, self._verifier), host="127.0.0.1")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        self.city.authority = f"127.0.0.1:{self._server.port}"
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()
        await self._server.close()
        self.office.store.close()

    async def call(
        self, method: str, target: str, body: Any = None, *, citizen: str | None = "o-1", **headers: str
    ) -> tuple[int, Any]:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if content:
            sent["content-type"] = "application/json"
        assertion = None if citizen is None else self.city.assertion(sub=citizen, fields={"display_name": "测*甲"})
        return await self.send(
            method, target, content, self.city.sign(method, target, headers=sent, body=content, assertion=assertion)
        )

    async def send(self, method: str, target: str, content: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        assert self._session is not None
        url = URL(f"http://127.0.0.1:{self._server.port}{target}", encoded=True)
        async with self._session.request(
            method, url, headers=headers, data=content or None, skip_auto_headers=["content-type"]
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    def desk(self, name: str, office: str) -> DeskClient:
        """A desk of this department; made when it is first asked for."""
        signer = DeskSigner.open(self.office.desks.enrol(name, office))
        return DeskClient(origin=self.origin, signer=signer)

    @property
    def origin(self) -> str:
        return f"http://{self.city.authority}"


@dataclass
class Watch:
    """A clock that a test moves."""

    at: datetime = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # a Monday, ten o'clock in the city

    def __call__(self) -> datetime:
        return self.at

    def wait(self, **span: float) -> None:
        self.at += timedelta(**span)
