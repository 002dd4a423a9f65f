"""What a citizen does at the national platform, and a program of theirs at the city."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from app.demo.national import FACE, NationalProvider
from app.demo.registries import CITIZEN, Resident


class National:
    """The platform as a browser and the national app meet it."""

    def __init__(self, provider: NationalProvider) -> None:
        self.provider = provider
        self.http = httpx.AsyncClient(base_url=provider.issuer, timeout=20)

    async def visit(
        self, url: str, who: Resident = CITIZEN, *, acr: str = FACE, tells: bool = True, allow: bool = True
    ) -> dict[str, str]:
        """Proves to be somebody there; what stands in the address to which one is sent back."""
        sent = await self.return_address(url, who, acr=acr, tells=tells, allow=allow)
        return dict(parse_qsl(urlsplit(sent).query))

    async def return_address(
        self, url: str, who: Resident = CITIZEN, *, acr: str = FACE, tells: bool = True, allow: bool = True
    ) -> str:
        page = await self.http.get(url)
        assert page.status_code == 200, page.text
        form = {
            "request_uri": dict(parse_qsl(urlsplit(url).query))["request_uri"],
            "document_number": who.document_number,
            "acr": acr,
            "tells": "yes" if tells else "no",
            "decision": "allow" if allow else "deny",
        }
        answer = await self.http.post("/authorize", data=form)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def number_of(self, who: Resident = CITIZEN) -> str:
        answer = await self.http.post("/stand-in/network-numbers", json={"document_number": who.document_number})
        return str(answer.json()["network_number"])

    async def credential(self, number: str, challenge: str, **changes: Any) -> str:
        body = {"network_number": number, "challenge": challenge} | changes
        return str((await self.http.post("/stand-in/network-credentials", json=body)).json()["credential"])

    async def scan(self, number: str, challenge: str, **changes: Any) -> str:
        body = {"network_number": number, "challenge": challenge} | changes
        return str((await self.http.post("/stand-in/network-scans", json=body)).json()["number"])


class Program:
    """The city's app on somebody's phone, which goes to the platform and comes back."""

    def __init__(self, client: httpx.AsyncClient, national: National) -> None:
        self.client = client
        self.national = national

    async def begin(self, path: str = "/v1/login/upstream", **options: Any) -> dict[str, Any]:
        answer = await self.client.post(f"{path}/challenges", **options)
        assert answer.status_code == 201, answer.text
        begun: dict[str, Any] = answer.json()
        return begun

    async def go(self, who: Resident = CITIZEN, **there: Any) -> dict[str, str]:
        """To the platform and back: the body that signs in."""
        begun = await self.begin()
        return {"login": begun["login"]} | await self.national.visit(begun["authorization_url"], who, **there)

    async def sign_in(self, who: Resident = CITIZEN, **there: Any) -> httpx.Response:
        return await self.show(await self.go(who, **there))

    async def show(self, body: dict[str, str], **options: Any) -> httpx.Response:
        return await self.client.post("/v1/login/upstream/tokens", json=body, **options)

    async def show_network(self, who: Resident = CITIZEN, **changes: Any) -> httpx.Response:
        number = await self.national.number_of(who)
        begun = await self.begin("/v1/login/network")
        credential = await self.national.credential(number, begun["challenge"], **changes)
        body = {"login": begun["login"], "network_number": number, "credential": credential}
        return await self.client.post("/v1/login/network/tokens", json=body)

    async def link(self, headers: dict[str, str], who: Resident = CITIZEN, **there: Any) -> httpx.Response:
        begun = await self.begin("/v1/me/links/upstream", headers=headers)
        body = {"login": begun["login"]} | await self.national.visit(begun["authorization_url"], who, **there)
        return await self.client.post("/v1/me/links/upstream", json=body, headers=headers)
