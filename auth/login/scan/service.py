"""Sign-in of a computer by a phone that scans (RFC 10027): 90 seconds, once, two secrets, a number to carry over.

The picture holds one secret, a cookie the other: who photographs the picture has no cookie, who stole the cookie has no
phone. The phone shows for which site, in which program and whether nearby; then it shows a number, and only the browser
that began can use it. Opens nothing itself.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import RateLimited
from app.kit.ids import new_id, new_token
from app.kit.vault import Vault
from auth.attempts import Limit, Lockout, spend_attempt
from auth.login.scan import repository
from auth.login.scan.errors import NumberRefused, ScanNeedsKey, ScanOver
from auth.login.scan.models import (
    DIGITS,
    HIGHEST_AAL,
    SECONDS,
    BeginScan,
    OpenScan,
    ProvedScan,
    ScanNumber,
    ScanPicture,
    ScanState,
    ScanView,
    StoredScan,
)
from auth.messages.service import Messages
from auth.principal import Principal
from auth.sessions.models import Session
from auth.sessions.service import Sessions
from auth.settings import AuthSettings

PATH: Final = "/oauth/scan"
SECRET_PURPOSE: Final = "scan-secret"  # noqa: S105 - the name of a purpose
NUMBER_PURPOSE: Final = "scan-number"


class ScanLogin:
    """Leads one attempt through both devices. Every method is one request's transaction."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        messages: Messages,
        lockout: Lockout,
        vault: Vault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._sessions = sessions
        self._messages = messages
        self._lockout = lockout
        self._vault = vault
        self._clock = clock
        self._origin = settings.issuer
        self._address_limit = Limit(
            kind="scan_address", most=settings.otp_address_limit, window_seconds=settings.otp_window_seconds
        )

    # the browser's side

    async def begin(self, connection: Connection, begin: BeginScan) -> OpenScan | RateLimited:
        """A new attempt with new secrets, or the refusal, which is remembered."""
        now, scan_id, cookie = self._clock.now(), new_id(), new_token()
        index = self._address_index(begin.address)
        wait = await spend_attempt(connection, self._address_limit, index, now)
        if wait is not None:
            return RateLimited(retry_after=wait)
        scan = StoredScan(
            id=scan_id,
            secret_hash=_hash(self._secret(scan_id)),
            cookie_hash=_hash(cookie),
            place=begin.place,
            agent=begin.agent,
            address_index=index,
            created_at=now,
            expires_at=now + timedelta(seconds=SECONDS),
        )
        await repository.insert_scan(connection, scan)
        return OpenScan(id=scan_id, text=self._text(scan_id), cookie=cookie)

    async def find_picture(self, connection: Connection, scan_id: UUID, cookie: str | None) -> str | None:
        """What the picture says, for the browser that began and while the number may still be typed."""
        scan = None if cookie is None else await repository.find_scan(connection, scan_id, _hash(cookie))
        usable = scan is not None and scan.state(self._clock.now()) in {"waiting", "scanned", "approved"}
        return self._text(scan_id) if usable else None

    async def prove_number(
        self, connection: Connection, scan_id: UUID, cookie: str | None, number: str, *, address: str
    ) -> ProvedScan | NumberRefused | RateLimited:
        """Whom the phone vouches for, once, or the refusal, which is remembered.

        The phone's session is held: it lives, and whoever ends it afterwards ends what is opened now as well.
        """
        wait = await self._lockout.find_wait(connection, address)
        if wait is not None:
            return RateLimited(retry_after=wait)
        scan = None
        if cookie is not None:
            scan = await repository.mark_tried(connection, scan_id, _hash(cookie), self._clock.now())
        if scan is None or scan.number_mac is None or scan.session_id is None or scan.person_id is None:
            return NumberRefused()
        if not hmac.compare_digest(scan.number_mac, self._mac(scan.id, number)):
            await self._lockout.count_wrong(connection, address, target=scan.person_id.bytes)
            await self._record(connection, "anonymous", "login.scan_refused", scan)
            return NumberRefused()
        phone = await self._sessions.hold_living_of(connection, scan.person_id, scan.session_id)
        if phone is None:
            return NumberRefused()
        now = self._clock.now()
        await repository.mark_redeemed(connection, scan.id, now)
        await self._messages.write(connection, scan.person_id, "scan_signed_in", now)
        return ProvedScan(
            person_id=scan.person_id,
            session_id=phone.id,
            until=phone.expires_at,
            method="scan",
            ial=phone.ial,
            aal=min(phone.aal, HIGHEST_AAL),
            unproven=phone.unproven,
        )

    # the phone's side

    async def scan(
        self, connection: Connection, principal: Principal, picture: ScanPicture, *, address: str
    ) -> ScanView:
        """What the citizen decides on. The picture now belongs to this phone; raises `ScanOver`, `ScanNeedsKey`."""
        await self._phone(connection, principal)
        scan = await repository.mark_scanned(
            connection,
            _hash(picture.secret),
            person_id=principal.subject_id,
            session_id=principal.session_id,
            now=self._clock.now(),
        )
        return self._view(self._known(scan), address)

    async def approve(
        self, connection: Connection, principal: Principal, scan_id: UUID, *, address: str
    ) -> ScanNumber | RateLimited:
        """The number to type, once, or the refusal, which is remembered; raises `ScanOver`, `ScanNeedsKey`."""
        await self._phone(connection, principal)
        now, number = self._clock.now(), f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        wait = await self._lockout.find_wait(connection, address, target=principal.subject_id.bytes)
        if wait is not None:
            return RateLimited(retry_after=wait)
        scan = self._known(
            await repository.mark_approved(
                connection, scan_id, principal.session_id, number_mac=self._mac(scan_id, number), now=now
            )
        )
        await self._record(connection, principal.actor, "login.scan_approved", scan)
        return ScanNumber(number=number, expires_at=scan.expires_at)

    async def deny(self, connection: Connection, principal: Principal, scan_id: UUID) -> ScanState:
        """Ends the attempt; raises `ScanOver` when it is not this phone's or has opened something already."""
        now = self._clock.now()
        scan = self._known(await repository.mark_denied(connection, scan_id, principal.session_id, now))
        await self._record(connection, principal.actor, "login.scan_denied", scan)
        return scan.state(now)

    async def _phone(self, connection: Connection, principal: Principal) -> Session:
        """The phone's session, bound to a key and alive at this moment, not only by its token."""
        session = await self._sessions.find_living(connection, principal.session_id)
        if session is None:
            raise ScanOver
        if session.jkt is None:
            raise ScanNeedsKey
        return session

    def _known(self, scan: StoredScan | None) -> StoredScan:
        if scan is None:
            raise ScanOver
        return scan

    def _view(self, scan: StoredScan, address: str) -> ScanView:
        return ScanView(
            id=scan.id,
            place=scan.place,
            agent=scan.agent,
            same_network=hmac.compare_digest(scan.address_index, self._address_index(address)),
            state=scan.state(self._clock.now()),
            began_at=scan.created_at,
            expires_at=scan.expires_at,
        )

    async def _record(self, connection: Connection, actor: str, action: str, scan: StoredScan) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"scan:{scan.id}",
            detail={"tries": scan.tries},
        )

    def _text(self, scan_id: UUID) -> str:
        # After `#`, so that a camera which opens it as an address sends the secret to nobody.
        return f"{self._origin}{PATH}#{self._secret(scan_id)}"

    def _secret(self, scan_id: UUID) -> str:
        """The picture's secret: derived, so that the page can show it again and the database cannot."""
        return urlsafe_b64encode(self._vault.blind_index(SECRET_PURPOSE, str(scan_id))).rstrip(b"=").decode()

    def _mac(self, scan_id: UUID, number: str) -> bytes:
        return self._vault.blind_index(NUMBER_PURPOSE, f"{scan_id}:{number}")

    def _address_index(self, address: str) -> bytes:
        return self._vault.blind_index("address", address)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
