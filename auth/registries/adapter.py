"""The registries over HTTP. Connections are not kept: an answer can never belong to another person's question."""

import asyncio
from typing import TypeVar

import httpx
import msgspec

from app.kit.structs import Model
from auth.documents import DocumentType
from auth.registries.errors import RegistryUnavailable
from auth.registries.ports import EnterpriseAnswer, GuardianshipAnswer, PersonAnswer, PersonNamed

T = TypeVar("T")

LONGEST_ANSWER = 65_536
RETRY_AFTER_SECONDS = 5


class PersonQuestion(Model):
    """The body that the population registry reads."""

    name: str
    document_type: DocumentType
    document_number: str


class EnterpriseQuestion(Model):
    """The body that the enterprise registry reads."""

    credit_code: str
    name: str
    document_number: str


class GuardianQuestion(Model):
    """The body that the population registry reads about a guardian and a child."""

    guardian: PersonNamed
    child: PersonNamed


class HttpRegistry:
    """Asks both registries. One `httpx.AsyncClient` for the life of the process; `close` ends it."""

    def __init__(self, *, population_url: str, enterprise_url: str, timeout_seconds: float) -> None:
        self._population_url = population_url
        self._enterprise_url = enterprise_url
        # httpx gives bytes after one answer to the next question on a kept connection.
        limits = httpx.Limits(max_connections=50, max_keepalive_connections=0)
        self._timeout_seconds = timeout_seconds
        self._client = httpx.AsyncClient(timeout=timeout_seconds, limits=limits, trust_env=False)

    async def close(self) -> None:
        """Ends the client; nothing can be asked afterwards."""
        await self._client.aclose()

    async def check_person(self, *, name: str, document_type: DocumentType, document_number: str) -> PersonAnswer:
        """Whether this name and this number belong together; raises `RegistryUnavailable`."""
        question = PersonQuestion(name=name, document_type=document_type, document_number=document_number)
        return await self._ask(self._population_url, "/v1/people/check", question, PersonAnswer)

    async def check_guardian(self, *, guardian: PersonNamed, child: PersonNamed) -> GuardianshipAnswer:
        """Whether `guardian` is the guardian of `child`; raises `RegistryUnavailable`."""
        question = GuardianQuestion(guardian=guardian, child=child)
        return await self._ask(self._population_url, "/v1/guardianships/check", question, GuardianshipAnswer)

    async def check_responsible_person(self, *, credit_code: str, name: str, document_number: str) -> EnterpriseAnswer:
        """Whether this person answers for this enterprise; raises `RegistryUnavailable`."""
        question = EnterpriseQuestion(credit_code=credit_code, name=name, document_number=document_number)
        return await self._ask(self._enterprise_url, "/v1/enterprises/check", question, EnterpriseAnswer)

    async def _ask(self, origin: str, path: str, question: Model, answer: type[T]) -> T:
        if not origin:
            raise RegistryUnavailable(retry_after=RETRY_AFTER_SECONDS)
        headers = {"Content-Type": "application/json"}
        try:
            # httpx limits each wait by itself: a registry that drips its answer would hold the citizen for minutes.
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._client.post(
                    origin.rstrip("/") + path, content=msgspec.json.encode(question), headers=headers
                )
        except (httpx.HTTPError, TimeoutError):
            raise RegistryUnavailable(retry_after=RETRY_AFTER_SECONDS) from None
        if response.status_code != httpx.codes.OK or len(response.content) > LONGEST_ANSWER:
            raise RegistryUnavailable(retry_after=RETRY_AFTER_SECONDS)
        try:
            return msgspec.json.decode(response.content, type=answer)
        except msgspec.DecodeError:
            raise RegistryUnavailable(retry_after=RETRY_AFTER_SECONDS) from None
