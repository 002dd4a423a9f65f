"""The registries over HTTP. Connections are not kept: an answer can never belong to another person's question."""

import asyncio
from typing import TypeVar
from uuid import UUID

import httpx
import msgspec

from app.kit.outbound import AnswerTooLong, outbound_client, send_bounded
from app.kit.structs import Model
from auth.documents import DocumentType
from auth.privacy.corrections.ports import CorrectionAnswer, CorrectionSent
from auth.registries.errors import Register, RegistryUnavailable
from auth.registries.ports import (
    ChangesAnswer,
    DeathsAnswer,
    EnterpriseAnswer,
    FaceAnswer,
    GuardianshipAnswer,
    NetworkAnswer,
    PersonAnswer,
    PersonNamed,
    SamePersonAnswer,
)

T = TypeVar("T")

LONGEST_ANSWER = 65_536


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


class SamePersonQuestion(Model):
    """The body that the population registry reads about two documents of one person."""

    known: PersonNamed
    claimed: PersonNamed


class FeedQuestion(Model):
    """The body with which a registry is asked for what is new."""

    after: str


class FaceQuestion(Model):
    """The body that the face service reads."""

    holder: PersonNamed
    challenge: str
    evidence: str


class CorrectionQuestion(Model):
    """The body with which the population registry is asked after a correction."""

    reference: UUID


class CredentialQuestion(Model):
    """The body that the platform of network identities reads about a credential that was handed over."""

    network_number: str
    credential: str
    challenge: str


class CollectionQuestion(Model):
    """The body that it reads about a picture that was scanned."""

    challenge: str
    number: str


class HttpRegistry:
    """Asks the registries, each under a deadline. One client for the life of the process; `close` ends it."""

    def __init__(
        self,
        *,
        population_url: str,
        enterprise_url: str,
        timeout_seconds: float,
        face_url: str = "",
        network_identity_url: str = "",
    ) -> None:
        self._origins: dict[Register, str] = {
            "population": population_url.rstrip("/"),
            "enterprise": enterprise_url.rstrip("/"),
            "face": face_url.rstrip("/"),
            "network_identity": network_identity_url.rstrip("/"),
        }
        self._timeout_seconds = timeout_seconds
        self._client = outbound_client(timeout_seconds=timeout_seconds, connections=50)

    async def close(self) -> None:
        """Ends the client; nothing can be asked afterwards."""
        await self._client.aclose()

    async def check_person(self, *, name: str, document_type: DocumentType, document_number: str) -> PersonAnswer:
        """Whether this name and this number belong together; raises `RegistryUnavailable`."""
        question = PersonQuestion(name=name, document_type=document_type, document_number=document_number)
        return await self._ask("population", "/v1/people/check", question, PersonAnswer)

    async def check_same_person(self, *, known: PersonNamed, claimed: PersonNamed) -> SamePersonAnswer:
        """Whether both documents are one human being's; raises `RegistryUnavailable`."""
        question = SamePersonQuestion(known=known, claimed=claimed)
        return await self._ask("population", "/v1/people/same", question, SamePersonAnswer)

    async def list_deaths(self, after: str) -> DeathsAnswer:
        """Deaths entered after the cursor; raises `RegistryUnavailable`."""
        return await self._ask("population", "/v1/people/deaths", FeedQuestion(after=after), DeathsAnswer)

    async def check_guardian(self, *, guardian: PersonNamed, child: PersonNamed) -> GuardianshipAnswer:
        """Whether `guardian` is the guardian of `child`; raises `RegistryUnavailable`."""
        question = GuardianQuestion(guardian=guardian, child=child)
        return await self._ask("population", "/v1/guardianships/check", question, GuardianshipAnswer)

    async def check_responsible_person(self, *, credit_code: str, name: str, document_number: str) -> EnterpriseAnswer:
        """Whether this person answers for this enterprise; raises `RegistryUnavailable`."""
        question = EnterpriseQuestion(credit_code=credit_code, name=name, document_number=document_number)
        return await self._ask("enterprise", "/v1/enterprises/check", question, EnterpriseAnswer)

    async def list_changes(self, after: str) -> ChangesAnswer:
        """Enterprises whose entry changed after the cursor; raises `RegistryUnavailable`."""
        return await self._ask("enterprise", "/v1/enterprises/changes", FeedQuestion(after=after), ChangesAnswer)

    async def check_face(self, *, holder: PersonNamed, challenge: str, evidence: str) -> FaceAnswer:
        """Whether this living face is the holder's; raises `RegistryUnavailable`."""
        question = FaceQuestion(holder=holder, challenge=challenge, evidence=evidence)
        return await self._ask("face", "/v1/faces/check", question, FaceAnswer)

    async def check_credential(self, *, network_number: str, credential: str, challenge: str) -> NetworkAnswer:
        """Whether this credential is the number's, for this challenge; raises `RegistryUnavailable`."""
        question = CredentialQuestion(network_number=network_number, credential=credential, challenge=challenge)
        return await self._ask("network_identity", "/v1/network-identities/check", question, NetworkAnswer)

    async def collect_credential(self, *, challenge: str, number: str) -> NetworkAnswer:
        """Who scanned the picture of this challenge; raises `RegistryUnavailable`."""
        question = CollectionQuestion(challenge=challenge, number=number)
        return await self._ask("network_identity", "/v1/network-identities/collect", question, NetworkAnswer)

    async def send_correction(self, correction: CorrectionSent) -> None:
        """Hands a correction in, once for each reference; raises `RegistryUnavailable`."""
        await self._ask("population", "/v1/corrections", correction, CorrectionAnswer)

    async def find_correction(self, reference: UUID) -> CorrectionAnswer:
        """What became of a correction; raises `RegistryUnavailable`."""
        question = CorrectionQuestion(reference=reference)
        return await self._ask("population", "/v1/corrections/state", question, CorrectionAnswer)

    async def _ask(self, register: Register, path: str, question: Model, answer: type[T]) -> T:
        content = await self._send(register, path, msgspec.json.encode(question))
        try:
            return msgspec.json.decode(content, type=answer)
        except msgspec.DecodeError:
            raise RegistryUnavailable(register, "malformed") from None

    async def _send(self, register: Register, path: str, body: bytes) -> bytes:
        origin = self._origins[register]
        if not origin:
            raise RegistryUnavailable(register, "not_configured")
        headers = {"Content-Type": "application/json"}
        try:
            request = httpx.Request("POST", origin + path, content=body, headers=headers)
            # httpx limits each wait by itself: a registry that drips its answer would hold the citizen for minutes.
            async with asyncio.timeout(self._timeout_seconds):
                response = await send_bounded(self._client, request, longest=LONGEST_ANSWER)
        except (httpx.TimeoutException, TimeoutError):
            raise RegistryUnavailable(register, "too_slow") from None
        except AnswerTooLong:
            raise RegistryUnavailable(register, "malformed") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise RegistryUnavailable(register, "unreachable") from None
        if response.status_code != httpx.codes.OK:
            raise RegistryUnavailable(register, "refused")
        return response.content
