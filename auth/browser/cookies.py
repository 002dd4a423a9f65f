"""The provider's own cookies. They live on the city's origin alone; the gateway never reads them, nor does `/v1`.

`__Host-` (RFC 6265bis, section 4.1.3.2) keeps a department's sibling host from planting one. SameSite=Lax: a client's
page may lead here, and may not post here in the citizen's name.
"""

from typing import Any, Final

from litestar import Request
from litestar.datastructures import Cookie

SESSION: Final = "suishen-session"
BROWSER: Final = "suishen-browser"
SCAN: Final = "suishen-scan"
_LONGEST: Final = 128


class Cookies:
    """Makes and reads cookies of one origin. Over plain HTTP, in development only, they carry another, marked name."""

    def __init__(self, issuer: str) -> None:
        self._secure = issuer.startswith("https://")

    def name(self, what: str) -> str:
        """The whole name of a cookie."""
        return f"__Host-{what}" if self._secure else f"insecure-{what}"

    def make(self, what: str, value: str) -> Cookie:
        """A cookie until the browser is closed."""
        return self._cookie(what, value)

    def end(self, what: str) -> Cookie:
        """Takes it away."""
        return self._cookie(what, "", max_age=0)

    def read(self, request: Request[Any, Any, Any], what: str) -> str | None:
        """Its value, None without one, or when it stands twice: then one of them is not ours."""
        pairs = [
            pair.strip().partition("=") for header in request.headers.getall("cookie", []) for pair in header.split(";")
        ]
        values = [value for name, _, value in pairs if name == self.name(what)]
        return values[0] if len(values) == 1 and 0 < len(values[0]) <= _LONGEST else None

    def _cookie(self, what: str, value: str, max_age: int | None = None) -> Cookie:
        return Cookie(
            key=self.name(what),
            value=value,
            max_age=max_age,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )
