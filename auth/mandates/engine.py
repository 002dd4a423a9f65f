"""Whether somebody may do this for somebody else, now: the one question that identity, codes and the gateway ask.

The rules are in `rules.py`; here the mandates are found and held, so that none ends before what it allowed is written.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, get_args
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model
from auth.mandates import repository
from auth.mandates.errors import MandateRefused
from auth.mandates.models import Mandate, MandateKind, PrincipalType, Scope
from auth.mandates.rules import Act, Why, judge, keeps_no_document, needs_confirmation

ALL_KINDS: Final[tuple[MandateKind, ...]] = get_args(MandateKind)


class Authority(Model):
    """Somebody may act for somebody else. It holds until the caller's transaction ends."""

    mandate_id: UUID
    kind: MandateKind
    principal_type: PrincipalType
    principal_id: UUID
    agent_id: UUID
    scope: Scope
    ends_at: datetime | None
    role: str
    confirm_each: bool = False
    """The citizen confirms each act (帮办)."""
    no_documents: bool = False
    """What stands on the principal's document is not shown to the agent."""

    @property
    def id(self) -> UUID:
        """The mandate."""
        return self.mandate_id


class MandateEngine:
    """Answers from the database and no cache: an end counts for every worker as soon as it is committed."""

    async def find_authority(
        self,
        connection: Connection,
        *,
        agent_id: UUID,
        principal_id: UUID,
        act: Act,
        now: datetime,
        kinds: Sequence[MandateKind] = ALL_KINDS,
    ) -> Authority | MandateRefused:
        """The authority by which `agent_id` may do this for `principal_id`, or why there is none.

        Of several mandates the one nearest to the root that allows the act counts.
        """
        refusal = Why.NONE
        for mandate in await repository.list_for_share(connection, agent_id, principal_id, kinds):
            why = judge(mandate, act, now)
            if why is None:
                return _authority_of(mandate)
            refusal = why if refusal is Why.NONE else refusal
        return MandateRefused(refusal)

    async def check_mandate(
        self, connection: Connection, *, mandate_id: UUID, agent_id: UUID, principal_id: UUID, act: Act, now: datetime
    ) -> Authority | MandateRefused:
        """As `find_authority`, of exactly this mandate: the one that a token names."""
        mandate = await repository.find_for_share(connection, mandate_id)
        if mandate is None or mandate.agent_id != agent_id or mandate.principal_id != principal_id:
            return MandateRefused(Why.NONE)
        why = judge(mandate, act, now)
        return _authority_of(mandate) if why is None else MandateRefused(why)


def _authority_of(mandate: Mandate) -> Authority:
    return Authority(
        mandate_id=mandate.id,
        kind=mandate.kind,
        principal_type=mandate.principal_type,
        principal_id=mandate.principal_id,
        agent_id=mandate.agent_id,
        scope=mandate.scope,
        ends_at=mandate.ends_at,
        role=mandate.role,
        confirm_each=needs_confirmation(mandate.kind),
        no_documents=keeps_no_document(mandate.kind),
    )
