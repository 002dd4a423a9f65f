"""What a citizen must be asked before a client gets its code, and what they have allowed it.

A consent is per department and purpose; the purpose is the scope's name, and for the sign-in itself `openid:{client}`.
What is sensitive is asked for on a page of its own (PIPL, article 29), and nothing is written down before the last page
was answered. Statute and contract are bases of their own and are never dressed up as consent: they are told, not asked.
"""

import hashlib
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.structs import Model, Text
from auth.consents.children import ChildConsents
from auth.consents.models import Consent, ShownConsent
from auth.consents.service import Consents
from auth.consents.texts import ConsentText
from auth.messages.service import Messages
from auth.principal import Principal
from auth.provider.authorize import consent_answers
from auth.provider.authorize.consent_answers import Answers
from auth.provider.clients.models import OPENID, Client, ClientScope

LONGEST_PURPOSE: Final = 64


class Answer(Model):
    """What came back from a page: the scopes agreed to, and whether the citizen wants to go on at all."""

    agreed: frozenset[str]
    goes_on: bool


class Question(Model):
    """One page of what is to be asked and told; `asked` are the scopes that stand or fall with consent."""

    must_ask: bool
    asked: tuple[ClientScope, ...]
    told: tuple[ClientScope, ...]
    separate: bool = False
    """Whether this page asks for one sensitive scope and nothing else."""
    last: bool = True
    """Whether the consents are written down when it is answered."""
    guardian_decides: bool = False
    """Whether the citizen is under fourteen: they cannot answer, only ask their guardians."""
    before: Answers | None = None
    """What the pages before this one were answered; None where this is the only page."""

    @property
    def part(self) -> str:
        """The name of this page: an answer to another one is no answer."""
        return self.asked[0].name if self.separate else OPENID

    def needs_more_than(self, answer: Answer) -> bool:
        """Whether something was declined without which the service cannot work."""
        return any(scope.required and scope.name not in answer.agreed for scope in self.asked)


def login_purpose(client_id: str) -> str:
    """The purpose of a consent to sign in at one client."""
    purpose = f"{OPENID}:{client_id}"
    if len(purpose) <= LONGEST_PURPOSE:
        return purpose
    return f"{OPENID}:{hashlib.sha256(client_id.encode()).hexdigest()[:32]}"


def purposes_of(client: Client, wanted: Sequence[ClientScope]) -> set[str]:
    """What the citizen must have allowed for the sign-in and these scopes."""
    return {login_purpose(client.client_id)} | {scope.name for scope in wanted if scope.basis == "consent"}


def standing_scopes(client: Client, scopes: frozenset[str], found: dict[str, Consent]) -> frozenset[str] | None:
    """Those of `scopes` that have their basis in the consents `found`; None when those do not hold the sign-in."""
    if login_purpose(client.client_id) not in found:
        return None
    wanted = (scope for scope in client.scopes if scope.name in scopes)
    return frozenset(scope.name for scope in wanted if _allows(found, scope)) | (scopes & {OPENID})


def page_version(client: Client, question: Question) -> str:
    """The words that stand on this page, as one value: the manifest's version and those of the scopes asked for."""
    parts = [client.text_version, *(scope.text.version for scope in question.asked)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:22]


class ConsentDesk:
    """Reads and writes the consents that sign-on stands on, through the one service that keeps them."""

    def __init__(self, consents: Consents, children: ChildConsents, messages: Messages, clock: Clock) -> None:
        self._consents = consents
        self._children = children
        self._messages = messages
        self._clock = clock

    async def question(
        self,
        connection: Connection,
        client: Client,
        person_id: UUID,
        scopes: frozenset[str],
        *,
        request_id: UUID | None = None,
    ) -> Question:
        """What to ask next. An optional scope that was declined is not asked for again until its words change.

        `request_id` is of the authorization request whose pages were answered in part.
        """
        wanted = [scope for scope in client.scopes if scope.name in scopes]
        found = await self._in_force(connection, client, person_id, wanted)
        login = found.get(login_purpose(client.client_id))
        missing = [scope for scope in wanted if not _allows(found, scope)]
        read_before = login is not None and login.text_version == client.text_version
        must_ask = login is None or any(scope.required or not read_before for scope in missing)
        pages = _pages(missing, login)
        # A single page is answered whole or not at all.
        before = await self._answers(connection, client, request_id) if len(pages) > 1 else None
        open_pages = [page for page in pages if before is None or _part(page) not in before.answered]
        asked = open_pages[0] if open_pages else ()
        return Question(
            must_ask=must_ask,
            asked=tuple(asked),
            told=tuple(scope for scope in wanted if scope.basis != "consent") if not _is_separate(asked) else (),
            separate=_is_separate(asked),
            last=len(open_pages) <= 1,
            guardian_decides=must_ask and await self._consents.needs_guardian(connection, person_id),
            before=before,
        )

    async def allowed_scopes(
        self, connection: Connection, client: Client, person_id: UUID, scopes: frozenset[str]
    ) -> frozenset[str] | None:
        """Those of `scopes` that have their basis now; None when the citizen does not sign in here (any more)."""
        wanted = [scope for scope in client.scopes if scope.name in scopes]
        return standing_scopes(client, scopes, await self._in_force(connection, client, person_id, wanted))

    async def allowed_fields(
        self, connection: Connection, client: Client, person_id: UUID, scopes: frozenset[str]
    ) -> dict[str, frozenset[str]]:
        """The fields that may be told, by scope; of a scope with consent only those that the consent names."""
        wanted = [scope for scope in client.scopes if scope.name in scopes]
        found = await self._in_force(connection, client, person_id, wanted)
        fields: dict[str, frozenset[str]] = {}
        for scope in wanted:
            consent = found.get(scope.name)
            if scope.basis != "consent":
                fields[scope.name] = frozenset(scope.fields)
            elif consent is not None and consent.text_version == scope.text.version:
                fields[scope.name] = frozenset(scope.fields) & frozenset(consent.fields)
        return fields

    async def answer(
        self,
        connection: Connection,
        client: Client,
        principal: Principal,
        question: Question,
        answer: Answer,
        *,
        request_id: UUID,
    ) -> bool:
        """Keeps what was agreed to on one page; after the last one writes all of it down. False: another page waits.

        The caller has checked that the answer is to this page and to these words.
        """
        known = question.before or Answers(text_version=client.text_version)
        here = answer.agreed & {scope.name for scope in question.asked}
        answers = Answers(
            text_version=client.text_version,
            answered=known.answered | {question.part},
            agreed=known.agreed | here,
        )
        if not question.last:
            await consent_answers.upsert_answers(connection, request_id, answers)
            return False
        await self.grant(connection, client, principal, tuple(s for s in client.scopes if s.name in answers.agreed))
        if question.before is not None:
            await consent_answers.delete_answers(connection, request_id)
        return True

    async def grant(
        self, connection: Connection, client: Client, principal: Principal, agreed: tuple[ClientScope, ...]
    ) -> None:
        """Writes down what the citizen agreed to: the sign-in, and each scope by itself, with the words they read."""
        await self._consents.grant_shown(connection, principal, _login(client))
        for scope in agreed:
            await self._consents.grant_shown(connection, principal, _shown(client, scope))
        if any(scope.text.asked_apart for scope in agreed):
            await self._messages.write(connection, principal.subject_id, "sensitive_consent_given", self._clock.now())

    async def ask_guardians(
        self, connection: Connection, client: Client, child_id: UUID, scopes: frozenset[str]
    ) -> None:
        """The child would like to sign in here: the guardians are told, and find the same words."""
        wanted = [scope for scope in client.scopes if scope.name in scopes]
        found = await self._in_force(connection, client, child_id, wanted)
        asked = [_shown(client, scope) for scope in wanted if not _allows(found, scope)]
        if login_purpose(client.client_id) not in found:
            asked.insert(0, _login(client))
        await self._children.ask_guardians(connection, child_id, asked)

    async def _in_force(
        self, connection: Connection, client: Client, person_id: UUID, wanted: Sequence[ClientScope]
    ) -> dict[str, Consent]:
        purposes = purposes_of(client, wanted)
        return await self._consents.find_in_force(connection, person_id, client.organization_id, purposes)

    async def _answers(self, connection: Connection, client: Client, request_id: UUID | None) -> Answers:
        """What was answered so far on this way; other words make every answer void."""
        known = None if request_id is None else await consent_answers.find_answers(connection, request_id)
        if known is None or known.text_version != client.text_version:
            return Answers(text_version=client.text_version)
        return known


def _allows(found: dict[str, Consent], scope: ClientScope) -> bool:
    consent = found.get(scope.name)
    return scope.basis != "consent" or (consent is not None and consent.covers(scope.text))


def _pages(missing: Sequence[ClientScope], login: Consent | None) -> list[tuple[ClientScope, ...]]:
    """First everything that is not sensitive together with the sign-in, then each sensitive scope alone."""
    apart = [scope for scope in missing if scope.text.asked_apart]
    together = tuple(scope for scope in missing if not scope.text.asked_apart)
    first = [together] if together or login is None or not apart else []
    return [*first, *((scope,) for scope in apart)]


def _is_separate(page: Sequence[ClientScope]) -> bool:
    return len(page) == 1 and page[0].text.asked_apart


def _part(page: Sequence[ClientScope]) -> str:
    return page[0].name if _is_separate(page) else OPENID


def _shown(client: Client, scope: ClientScope) -> ShownConsent:
    return ShownConsent(
        department_id=client.organization_id,
        purpose=scope.name,
        fields=scope.fields or (OPENID,),
        text=scope.text,
        text_version=scope.text.version,
        separate=scope.text.asked_apart,
    )


def _login(client: Client) -> ShownConsent:
    words = Text(zh=f"登录{client.name.zh}", en=f"Sign in to {client.name.en}")
    return ShownConsent(
        department_id=client.organization_id,
        purpose=login_purpose(client.client_id),
        fields=(OPENID,),
        text=ConsentText(purpose=words, fields=(OPENID,)),
        text_version=client.text_version,
    )
