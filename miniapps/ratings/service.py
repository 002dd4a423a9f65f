"""A citizen rates one act of a mini-app, once, reads what became of it, and says whether a call-back settled it.

Which act it was is proven by the department's signed receipt; or, so that no department escapes by signing nothing, it
is the citizen's last visit, which the gateway knows. Words are sealed; departments never learn who rated.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.vault import Vault
from auth.keys import is_numeric_date
from auth.pairwise import pairwise_id
from auth.principal import Principal
from miniapps.calendar import WorkingCalendar
from miniapps.errors import (
    ActRated,
    AppUnknown,
    ItemUnknown,
    NothingToRate,
    RatingNotOffered,
    RatingSettled,
    RatingUnknown,
    ReceiptInvalid,
)
from miniapps.ports import KnowsUses
from miniapps.ratings import repository
from miniapps.ratings.models import (
    RECEIPT_TYP,
    CloseCallBack,
    OwnRating,
    OwnRatings,
    RateAct,
    Rating,
    SealedWords,
    is_bad,
    knows_item,
    needs_reply,
)
from miniapps.ratings.words import Words
from miniapps.receipts import read_receipt
from miniapps.releases.models import PublishedApp
from miniapps.releases.service import Releases
from miniapps.tellers import Tellers

VISITS_COUNT: Final = timedelta(days=30)
RECEIPTS_COUNT: Final = timedelta(days=90)
LONGEST_CASE: Final = 128
ACT_PURPOSE: Final = "miniapps-rated-act"


class _Act(msgspec.Struct, frozen=True):
    kind: Any
    name: str
    done_at: datetime
    case: str | None = None


class Ratings:
    """What citizens do with ratings."""

    def __init__(
        self,
        releases: Releases,
        tellers: Tellers,
        words: Words,
        vault: Vault,
        clock: Clock,
        *,
        calendar: WorkingCalendar,
    ) -> None:
        self._releases = releases
        self._tellers = tellers
        self._words = words
        self._vault = vault
        self._clock = clock
        self._calendar = calendar
        self._uses: KnowsUses | None = None

    def find_uses_in(self, uses: KnowsUses) -> None:
        """From now on a visit can be rated as well, and the release that served the citizen is known."""
        self._uses = uses

    async def rate(self, connection: Connection, principal: Principal, app_id: str, request: RateAct) -> OwnRating:
        """Takes the rating of an act.

        Raises `AppUnknown`, `RatingNotOffered`, `ItemUnknown`, `ReceiptInvalid`, `NothingToRate` and `ActRated`: of two
        ratings of one act at once, one is kept.
        """
        app = await self._releases.find_published(connection, app_id)
        if app is None:
            raise AppUnknown
        if not app.manifest.rating.enabled:
            raise RatingNotOffered
        if not knows_item(app.manifest, request.item_code):
            raise ItemUnknown
        await repository.lock_rater(connection, principal.subject_id, app_id)
        rating = await self._new(connection, principal, app, request)
        if not await repository.insert_rating(connection, rating):
            raise ActRated
        await self._record(connection, principal, "rating.given", rating)
        if is_bad(rating.level):
            now, department = rating.rated_at, app.organization_id
            await self._tellers.alert(
                connection, "bad_rating", app_id=app_id, now=now, organization_id=department, city=False
            )
        return self._own(rating)

    async def list_own(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> OwnRatings:
        """What the caller rated, newest first, with the replies."""
        rows, following = cut(await repository.list_own(connection, principal.subject_id, after, limit + 1), limit)
        return OwnRatings(items=[self._own(row) for row in rows], next=following)

    async def close(
        self, connection: Connection, principal: Principal, rating_id: UUID, request: CloseCallBack
    ) -> OwnRating:
        """The caller's word on a call-back; raises `RatingUnknown`, `RatingSettled`. Unsettled, the city is told."""
        rating = await repository.find_rating_locked(connection, rating_id)
        if rating is None or rating.subject_id != principal.subject_id:
            raise RatingUnknown
        if rating.call_back != "called_back":
            raise RatingSettled(call_back=rating.call_back)
        now = self._clock.now()
        await repository.mark_closed(connection, rating_id, now, resolved=request.resolved)
        closed = msgspec.structs.replace(rating, call_back="closed", closed_at=now, resolved=request.resolved)
        await self._record(connection, principal, "rating.call_back_closed", closed)
        if not request.resolved:
            await self._tellers.alert(
                connection,
                "rating_unresolved",
                app_id=rating.app_id,
                now=now,
                organization_id=rating.organization_id,
            )
        return self._own(closed)

    async def bad_share(self, connection: Connection, release_id: UUID, since: datetime) -> tuple[int, int]:
        """How many citizens rated a release since then, and how many of them badly at last."""
        return await repository.count_bad(connection, release_id, since)

    async def _new(self, connection: Connection, principal: Principal, app: PublishedApp, request: RateAct) -> Rating:
        rating_id, now = new_id(), self._clock.now()
        act = await self._act(connection, principal, app, request, now)
        words = SealedWords(comment=request.comment, case=act.case if request.contact else None)
        owed = needs_reply(request.level, request.comment)
        assert principal.subject_type != "official"
        return Rating(
            id=rating_id,
            app_id=app.app_id,
            organization_id=app.organization_id,
            release_id=await self._release(connection, principal, app),
            subject_type=principal.subject_type,
            subject_id=principal.subject_id,
            rater_id=principal.person_id,
            act_kind=act.kind,
            act=self._digest(app.app_id, act.name),
            item_code=request.item_code,
            level=request.level,
            tags=sorted(set(request.tags)),
            words_sealed=self._words.seal(rating_id, words),
            year=self._calendar.day_of(now).year,
            rated_at=now,
            reply_due_at=self._calendar.after(now, app.manifest.rating.reply_days) if owed else None,
            call_back="open" if is_bad(request.level) else "none",
        )

    async def _act(
        self, connection: Connection, principal: Principal, app: PublishedApp, request: RateAct, now: datetime
    ) -> _Act:
        if request.receipt is not None:
            act = self._receipted(principal, app, request.receipt, now)
            await self._refuse_visited(connection, principal, app, act)
            return act
        used_at = (
            None if self._uses is None else await self._uses.find_last_use(connection, principal.subject_id, app.app_id)
        )
        if used_at is None or used_at < now - VISITS_COUNT:
            raise NothingToRate
        rated_at = await repository.find_last_rated(connection, principal.subject_id, app.app_id)
        if rated_at is not None and self._calendar.day_of(rated_at) >= self._calendar.day_of(used_at):
            raise ActRated
        return _Act("visit", self._visit(principal, used_at), used_at)

    async def _refuse_visited(self, connection: Connection, principal: Principal, app: PublishedApp, act: _Act) -> None:
        """A visit that was rated after the receipt was made out was the visit of this very act."""
        visit = self._digest(app.app_id, self._visit(principal, act.done_at))
        rated_at = await repository.find_rated(connection, app.app_id, visit)
        if rated_at is not None and act.done_at <= rated_at:
            raise ActRated

    def _visit(self, principal: Principal, day: datetime) -> str:
        return f"visit {principal.subject_id} {self._calendar.day_of(day)}"

    def _digest(self, app_id: str, act: str) -> bytes:
        return self._vault.blind_index(ACT_PURPOSE, f"{app_id} {act}")

    def _receipted(self, principal: Principal, app: PublishedApp, receipt: str, now: datetime) -> _Act:
        """The act of a receipt that was made out to this very caller, not long ago."""
        claims = read_receipt(receipt, typ=RECEIPT_TYP, manifest=app.manifest)
        made_at = claims.get("iat")
        if claims.get("sub") != pairwise_id(self._vault, str(app.organization_id), principal.subject_id):
            raise ReceiptInvalid
        if not is_numeric_date(made_at) or not 0 <= now.timestamp() - made_at <= RECEIPTS_COUNT.total_seconds():
            raise ReceiptInvalid
        case, done_at = claims.get("act"), datetime.fromtimestamp(made_at, UTC)
        if case is None:  # one receipt, one act: whatever it says, but not its signature, which has several spellings
            return _Act("receipt", "claims " + receipt.split(".")[1], done_at, receipt_case(done_at))
        if not isinstance(case, str) or not 0 < len(case) <= LONGEST_CASE:
            raise ReceiptInvalid
        return _Act("receipt", "act " + case, done_at, case)

    async def _release(self, connection: Connection, principal: Principal, app: PublishedApp) -> UUID:
        """The release that serves the caller: perhaps a gray one."""
        if self._uses is None:
            return app.release_id
        served = await self._uses.find_release(connection, principal.subject_id, app.app_id)
        return served or app.release_id

    def _own(self, rating: Rating) -> OwnRating:
        return OwnRating(
            id=rating.id,
            app_id=rating.app_id,
            item_code=rating.item_code,
            level=rating.level,
            tags=rating.tags,
            comment=self._words.open(rating).comment,
            rated_at=rating.rated_at,
            reply=self._words.open_reply(rating),
            reply_due_at=rating.reply_due_at,
            replied_at=rating.replied_at,
            call_back=rating.call_back,
            resolved=rating.resolved,
        )

    async def _record(self, connection: Connection, principal: Principal, action: str, rating: Rating) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"rating:{rating.id}",
            detail={"app_id": rating.app_id, "act_kind": rating.act_kind, "call_back": rating.call_back},
        )


def receipt_case(made_at: datetime) -> str:
    """By what the department finds the case of a receipt that names no act: when it was made."""
    return f"receipt of {made_at:%Y-%m-%dT%H:%M:%SZ}"
