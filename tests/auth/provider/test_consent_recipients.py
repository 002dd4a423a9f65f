"""The page says to which hosts the fields go: they are part of what is consented to."""

from app.kit.structs import Text
from auth.consents.texts import Recipient
from auth.provider.authorize.consent_page import _choice
from auth.provider.clients.models import ClientScope

SCOPE = ClientScope(
    name="library.card",
    fields=("full_name",),
    purpose=Text(zh="办证", en="A card"),
    basis="consent",
    recipient=Recipient(hosts=("library.example.cn", "pages.example.cn"), audience=("person",)),
)


def test_the_hosts_are_told_beside_the_fields() -> None:
    shown = _choice(SCOPE)
    assert "送往 library.example.cn, pages.example.cn" in shown
    assert "Goes to library.example.cn, pages.example.cn" in shown


def test_without_hosts_nothing_is_said() -> None:
    plain = ClientScope(name="x", fields=(), purpose=SCOPE.purpose, basis="consent")
    assert "送往" not in _choice(plain)
    assert plain.text.version != SCOPE.text.version
