"""Why a request is not believed. The reasons are stable words; none holds anything of the request itself."""


class Refused(Exception):
    """The request did not come from the city's gateway for this mini-app, now, unchanged. Answer it with 401.

    `reason` is one of: assertion-missing, assertion-malformed, assertion-key-unknown, assertion-forged,
    assertion-issuer, assertion-audience, assertion-expired, assertion-too-long, assertion-not-yet,
    signature-missing, signature-malformed, signature-key-unknown, signature-forged, signature-coverage,
    signature-expired, signature-too-long, digest-missing, digest-mismatch, app-mismatch, header-repeated, replayed.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownKey(Refused):
    """No key of that name is known yet: it may have been made a moment ago."""


class KeysUnavailable(Exception):
    """The city's keys have never been read, and cannot be read now. Answer with 503."""
