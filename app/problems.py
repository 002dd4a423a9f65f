"""The one table that turns whatever went wrong into a problem document. Nothing personal and no trace leaves here."""

from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)

from app.kit.errors import (
    BodyTooLarge,
    FieldsInvalid,
    InternalError,
    InvalidRequest,
    MediaTypeUnsupported,
    NotFound,
    SuishenError,
    TemporarilyUnavailable,
)
from app.kit.http import refuse
from app.kit.strict_json import without_values
from app.kit.structs import Text
from app.kit.vault import VaultError

log = structlog.get_logger()


class MethodNotAllowed(InvalidRequest):
    status = 405
    slug = "method-not-allowed"
    title = Text(zh="该地址不支持此方法", en="This address does not answer this method")
    remedy = Text(zh="请查看接口文档中的方法。", en="See the API reference for the methods of this address.")


BY_STATUS: dict[int, type[SuishenError]] = {
    404: NotFound,
    405: MethodNotAllowed,
    413: BodyTooLarge,
    415: MediaTypeUnsupported,
    503: TemporarilyUnavailable,
}

# What PostgreSQL says when a value of the request cannot be text or number there: NUL, lone surrogates, huge integers.
VALUE_REFUSED = (
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
    asyncpg.NumericValueOutOfRangeError,
    asyncpg.DataError,
    UnicodeError,
)

DATABASE_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


def _known(request: Request[Any, Any, Any], error: SuishenError) -> Response[Any]:
    return refuse(error, request)


def _fields(request: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
    extra = error.extra if isinstance(error.extra, list) else []
    places = [
        {"field": str(item.get("key", "")), "message": without_values(str(item.get("message", "")))}
        for item in extra
        if isinstance(item, dict)
    ]
    return refuse(FieldsInvalid(errors=places), request)


def _unreadable(request: Request[Any, Any, Any], _error: Exception) -> Response[Any]:
    return refuse(FieldsInvalid(), request)


def _http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if error.status_code >= 500 and error.status_code not in BY_STATUS:  # noqa: PLR2004 - RFC 9110: server errors
        return _unexpected(request, error)
    return refuse(BY_STATUS.get(error.status_code, InvalidRequest)(), request)


def _database_away(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.error("database.away", error=type(error).__name__)
    return refuse(TemporarilyUnavailable(retry_after=2), request)


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    # The class and the place, never the text: an exception's text may quote what the person sent.
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "unknown"
    log.error("request.failed", error=type(error).__name__, where=where, path=request.scope.get("path_template"))
    return refuse(InternalError(), request)


HANDLERS: dict[type[Exception] | int, Callable[..., Response[Any]]] = {
    SuishenError: _known,
    ValidationException: _fields,
    SerializationException: _unreadable,
    msgspec.DecodeError: _unreadable,
    ClientException: _http,
    NotFoundException: _http,
    MethodNotAllowedException: _http,
    HTTPException: _http,
    VaultError: _unexpected,
    Exception: _unexpected,
    **dict.fromkeys(VALUE_REFUSED, _unreadable),
    **dict.fromkeys(DATABASE_AWAY, _database_away),
}
