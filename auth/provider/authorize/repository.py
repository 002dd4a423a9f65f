"""Rows of authorization requests. Every step is one conditional update, so that it happens once, over all workers."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, convert
from auth.provider.authorize.models import AuthorizationRequest, StoredRequest

COLUMNS: Final = """
id, client_id, parameters, created_at, expires_at, browser_hash, otp_challenge_id, scan_login_id, network_attempt_id,
disowning, browser_session_id, consented, ended_at
"""


class RedeemedCode(Model):
    """What a code stood for when it was shown."""

    id: UUID
    client_id: str
    parameters: AuthorizationRequest
    browser_session_id: UUID


class UsedCode(Model):
    """A code that had been shown before, and the session that came of it."""

    id: UUID
    issued_session_id: UUID | None


INSERT_REQUEST = """
insert into auth.authorization_request (id, client_id, parameters, uri_hash, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6)
"""


async def insert_request(connection: Connection, request: StoredRequest, uri_hash: bytes) -> None:
    """A new request, pushed and not yet opened."""
    await connection.execute(
        INSERT_REQUEST,
        request.id,
        request.client_id,
        request.parameters,
        uri_hash,
        request.created_at,
        request.expires_at,
    )


MARK_OPENED = f"""
update auth.authorization_request set browser_hash = $3, expires_at = $4
 where uri_hash = $1 and client_id = $2 and browser_hash is null and expires_at > $5
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_opened(
    connection: Connection, uri_hash: bytes, client_id: str, *, browser_hash: bytes, until: datetime, now: datetime
) -> StoredRequest | None:
    """Gives a pushed request to the first browser that shows it; None for every other."""
    row = await connection.fetchrow(MARK_OPENED, uri_hash, client_id, browser_hash, until, now)
    return convert(row, StoredRequest) if row else None


FIND_OPENED = f"""
select {COLUMNS} from auth.authorization_request
 where uri_hash = $1 and client_id = $2 and browser_hash = $3 and ended_at is null and expires_at > $4
"""  # noqa: S608 - constants of this module


async def find_opened(
    connection: Connection, uri_hash: bytes, client_id: str, *, browser_hash: bytes, now: datetime
) -> StoredRequest | None:
    """The request that this browser opened before and has not brought to its end."""
    row = await connection.fetchrow(FIND_OPENED, uri_hash, client_id, browser_hash, now)
    return convert(row, StoredRequest) if row else None


FIND_BY_ID = f"""
select {COLUMNS} from auth.authorization_request
 where id = $1 and browser_hash = $2 and ended_at is null and expires_at > $3
   for update
"""  # noqa: S608 - constants of this module


async def find_for_browser(
    connection: Connection, request_id: UUID, *, browser_hash: bytes, now: datetime
) -> StoredRequest | None:
    """The living request of this browser, locked until the caller's transaction ends."""
    row = await connection.fetchrow(FIND_BY_ID, request_id, browser_hash, now)
    return convert(row, StoredRequest) if row else None


MARK_CHALLENGED = """
update auth.authorization_request
   set otp_challenge_id = $2, disowning = $3, scan_login_id = null, network_attempt_id = null
 where id = $1
"""


async def mark_challenged(
    connection: Connection, request_id: UUID, challenge_id: UUID | None, *, disowning: bool = False
) -> None:
    """A one-time code was asked for on the way; None: another phone is to be named."""
    await connection.execute(MARK_CHALLENGED, request_id, challenge_id, disowning)


MARK_SCANNING = """
update auth.authorization_request set scan_login_id = $2, otp_challenge_id = null, network_attempt_id = null
 where id = $1
"""


async def mark_scanning(connection: Connection, request_id: UUID, scan_id: UUID) -> None:
    """A picture is shown, to be scanned by a phone."""
    await connection.execute(MARK_SCANNING, request_id, scan_id)


MARK_ASKING_NETWORK = """
update auth.authorization_request set network_attempt_id = $2, otp_challenge_id = null, scan_login_id = null
 where id = $1
"""


async def mark_asking_network(connection: Connection, request_id: UUID, attempt_id: UUID) -> None:
    """A picture is shown, to be scanned by the national app."""
    await connection.execute(MARK_ASKING_NETWORK, request_id, attempt_id)


MARK_SIGNED_IN = """
update auth.authorization_request
   set browser_session_id = $2, otp_challenge_id = null, scan_login_id = null, network_attempt_id = null
 where id = $1
"""


async def mark_signed_in(connection: Connection, request_id: UUID, session_id: UUID) -> None:
    """The citizen proved themself for this very request."""
    await connection.execute(MARK_SIGNED_IN, request_id, session_id)


MARK_ENDED = "update auth.authorization_request set ended_at = $2 where id = $1"


async def mark_ended(connection: Connection, request_id: UUID, now: datetime) -> None:
    """Nothing comes of it."""
    await connection.execute(MARK_ENDED, request_id, now)


MARK_CODE = """
update auth.authorization_request
   set ended_at = $2, expires_at = $3, code_hash = $4, browser_session_id = $5, consented = $6
 where id = $1
"""


async def mark_code(
    connection: Connection,
    request_id: UUID,
    *,
    code_hash: bytes,
    session_id: UUID,
    consented: bool = False,
    now: datetime,
    until: datetime,
) -> None:
    """A code was given out, good until then; `consented` when the citizen was asked on the way."""
    await connection.execute(MARK_CODE, request_id, now, until, code_hash, session_id, consented)


REDEEM_CODE = """
update auth.authorization_request set redeemed_at = $3
 where code_hash = $1 and client_id = $2 and redeemed_at is null and expires_at > $3
returning id, client_id, parameters, browser_session_id
"""


async def redeem_code(connection: Connection, code_hash: bytes, client_id: str, now: datetime) -> RedeemedCode | None:
    """What the code stands for, once: of simultaneous calls exactly one gets it. Whatever follows, it is spent."""
    row = await connection.fetchrow(REDEEM_CODE, code_hash, client_id, now)
    return convert(row, RedeemedCode) if row else None


MARK_ISSUED = "update auth.authorization_request set issued_session_id = $2 where id = $1"


async def mark_issued(connection: Connection, request_id: UUID, session_id: UUID) -> None:
    """Remembers what the code gave, so that a second use can take it back."""
    await connection.execute(MARK_ISSUED, request_id, session_id)


FIND_USED = """
select id, issued_session_id from auth.authorization_request
 where code_hash = $1 and client_id = $2 and redeemed_at is not null
"""


async def find_used(connection: Connection, code_hash: bytes, client_id: str) -> UsedCode | None:
    """The code when this client has shown it before."""
    row = await connection.fetchrow(FIND_USED, code_hash, client_id)
    return convert(row, UsedCode) if row else None


DELETE_OLD = "delete from auth.authorization_request where created_at < $1"


async def delete_old(connection: Connection, before: datetime) -> None:
    """Forgets requests made before then; a code that old gave nothing that still lives."""
    await connection.execute(DELETE_OLD, before)
