"""Conditional reads of public lists (RFC 9110, section 13.1.2): whoever has the present version gets no body."""

NOT_MODIFIED = 304


def is_current(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller's copies include `etag`; compared weakly, as the RFC wants for this header."""
    copies = {copy.strip().removeprefix("W/") for copy in (if_none_match or "").split(",")}
    return "*" in copies or etag in copies
