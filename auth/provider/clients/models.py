"""A client of the provider: a department's published mini-app, with its keys and the only addresses it may name."""

from typing import Literal
from uuid import UUID

from app.kit.structs import Model, Text
from auth.keys import PublicJwk

Basis = Literal["statute", "contract", "consent"]
OPENID = "openid"


class ClientScope(Model):
    """A bundle of fields that the client may ask for, why the law lets it, and for how long it keeps them."""

    name: str
    fields: tuple[str, ...]
    purpose: Text
    basis: Basis
    legal_basis: str | None = None
    required: bool = False
    sensitive: bool = False
    retention_days: int = 0


class Client(Model):
    """What the registry says of a client now. `keys` by `kid`, at least one; every address is matched byte for byte.

    `text_version` names the manifest that a citizen reads when asked to consent.
    """

    client_id: str
    organization_id: UUID
    organization_name: str
    name: Text
    text_version: str
    keys: dict[str, PublicJwk]
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    scopes: tuple[ClientScope, ...] = ()

    def known_scopes(self, asked: frozenset[str]) -> frozenset[str]:
        """Those of `asked` that mean something here; others are ignored (OpenID Connect Core, section 3.1.2.1)."""
        return asked & ({OPENID} | {scope.name for scope in self.scopes})
