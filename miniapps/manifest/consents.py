"""What a citizen reads of a scope before they consent, and who they say it to. Pure."""

from urllib.parse import urlsplit

from auth.consents.texts import ConsentText, Recipient
from miniapps.manifest.models import Manifest, Scope


def consent_text(scope: Scope, recipient: Recipient) -> ConsentText:
    """The words of the scope; their version is held against the citizen's consent wherever fields are told.

    They name the recipient as well: a further host or a wider audience makes the consents of before void, as a longer
    retention or a new field does.
    """
    return ConsentText(
        purpose=scope.purpose.as_text(),
        fields=scope.fields,
        sensitive=scope.sensitivity == "sensitive",
        retention_days=scope.retention_days,
        recipient=recipient,
    )


def recipient_of(manifest: Manifest) -> Recipient:
    """Who gets what the scopes of this manifest tell."""
    return Recipient(hosts=tuple(sorted(hosts_of(manifest))), audience=tuple(sorted(manifest.audience)))


def hosts_of(manifest: Manifest) -> frozenset[str]:
    """Every host to which data of real citizens may go: the backend, gray or live, and the pages of the sign-in.

    A sandbox sees synthetic citizens only.
    """
    urls: list[str | None] = []
    if manifest.backend is not None:
        urls += [manifest.backend.base_url.live, manifest.backend.base_url.gray]
    if manifest.login is not None:
        urls += [*manifest.login.redirect_uris, manifest.login.jwks_uri, manifest.login.backchannel_logout_uri]
    return frozenset(host for url in urls if url is not None and (host := urlsplit(url).hostname))
