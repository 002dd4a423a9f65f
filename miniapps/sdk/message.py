"""A request as it came over the wire: the raw target, never decoded, because that is what was signed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from .errors import Refused

# A second line of one of these would let two readers see two different requests.
_ONCE = frozenset(
    {
        "host",
        "content-type",
        "content-digest",
        "x-request-id",
        "idempotency-key",
        "signature",
        "signature-input",
        "ssb-assertion",
        "ssb-app",
        "ssb-zone",
        "ssb-channel",
    }
)


def is_among(path: str, paths: Collection[str]) -> bool:
    """Whether a path is one of these, or lies below one that ends with a slash."""
    return path in paths or any(path.startswith(prefix) for prefix in paths if prefix.endswith("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`target` is the raw path with its query; `headers` has lower-case names, each of them once."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @classmethod
    def of(
        cls, method: str, target: str, headers: Mapping[str, str] | Iterable[tuple[str, str]], body: bytes
    ) -> "Message":
        """Gathers the header lines; raises `Refused` where a line that must stand once stands twice."""
        lines = headers.items() if isinstance(headers, Mapping) else headers
        gathered: dict[str, str] = {}
        for name, value in lines:
            lower = name.lower()
            if lower in gathered and lower in _ONCE:
                raise Refused("header-repeated")
            gathered[lower] = f"{gathered[lower]}, {value.strip()}" if lower in gathered else value.strip()
        return cls(method=method, target=target, headers=gathered, body=body)

    @property
    def path(self) -> str:
        """The raw path."""
        return self.target.partition("?")[0] or "/"

    @property
    def query(self) -> str:
        """The raw query as RFC 9421 signs it: "?" alone when there is none."""
        return "?" + self.target.partition("?")[2]
