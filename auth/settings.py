"""What an operator may choose about identity. Defaults suit a city; nothing here is a secret."""

import msgspec

from app.kit.structs import Model, Text

DAY_SECONDS = 86_400


class AuthSettings(Model):
    """Times in seconds; `*_limit` counts within the window named beside it."""

    issuer: str = "http://127.0.0.1:8000"
    """The public origin: `iss` and `aud` of tokens, and what `htu` of a DPoP proof must begin with."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose `X-Forwarded-For` is believed."""
    brand: Text = Text(zh="随申办", en="Suishen")
    sms_url: str = ""
    """Empty: messages go to the demo inbox, which production refuses."""
    sms_second_url: str = ""
    """Asked when the first vendor does not take a message."""
    voice_url: str = ""
    """Reads notices out to who chose calls; empty: they get text messages."""
    staff_channel_url: str = ""
    """The city's messenger for staff; empty: alerts stand in the list alone."""
    demo_inbox_url: str = ""
    """Where stand-in vendors show what they took; production refuses it."""
    vendor_timeout_seconds: float = 3.0
    """Two vendors one after the other must fit into the outbox's patience."""
    sms_parts_a_day: int = 1_000_000
    """What the city pays for in a day of its clock, as vendors bill it; notices stop at four fifths of it."""
    notices_a_day: int = 30
    """Notices of each kind (urgent, other, about who trusts them) that leave the app to one person in a day; whatever
    is more stays in the app.
    """
    population_registry_url: str = ""
    enterprise_registry_url: str = ""
    face_service_url: str = ""
    """Empty: development believes its own stand-in; production says that it is not configured."""
    registry_timeout_seconds: float = 5.0

    national_identity_issuer: str = ""
    """The national identity provider (OpenID Connect); empty: this way in is closed."""
    national_identity_client_id: str = ""
    """As which the city is registered there."""
    national_identity_levels: dict[str, str] = msgspec.field(default_factory=dict)
    """What its `acr` values mean here: "urn:…" to "ial3.aal2". One that does not stand here opens nothing."""
    network_identity_url: str = ""
    """The platform of network identities (网号, 网证); empty: this way in is closed."""

    access_token_seconds: int = 600
    session_idle_seconds: int = 30 * DAY_SECONDS
    session_seconds: int = 180 * DAY_SECONDS
    staff_idle_seconds: int = 1800
    staff_session_seconds: int = 12 * 3600
    refresh_grace_seconds: int = 30
    browser_idle_seconds: int = 1800
    """Without a visit to the city's own pages; a shared computer is a shared computer."""
    browser_session_seconds: int = 12 * 3600
    """Of a browser, and of every client that signed in through it."""

    otp_seconds: int = 300
    otp_tries: int = 5
    otp_window_seconds: int = 600
    otp_phone_limit: int = 10
    otp_address_limit: int = 3000
    """Generous: thousands of phones share one address behind a mobile carrier."""
    otp_wrong_limit: int = 20
    """Wrong codes for one phone in a day, over all its challenges."""
    otp_wrong_address_limit: int = 300
    """Wrong codes from one address within the window; a carrier's thousands mistype too."""

    real_name_limit: int = 5
    """Refused real-name checks of one person in a day."""
    lookup_limit: int = 20
    """Questions of one person or organization in a day for other people's data."""
    lookup_official_limit: int = 200
    """Look-ups of one official in a day by a registered basis."""
    face_limit: int = 5
    """Face checks of one person in a day that were not confirmed."""
    face_address_limit: int = 300
    """Attempts to unfreeze from one address within `otp_window_seconds`; a carrier's thousands share one."""
    face_challenge_seconds: int = 300
    organization_claim_limit: int = 10
    """Claims of one person in a day that the registry did not confirm."""
    guardianship_limit: int = 5
    """Refused questions of one person in a day whether a child is theirs."""
    city_utc_offset_seconds: int = 8 * 3600
    """The city's clock against UTC: whose midnight begins a birthday."""
    password_limit: int = 5
    password_window_seconds: int = 900
    password_threads: int = 2
    password_queue: int = 16

    passkey_app_origins: tuple[str, ...] = ()
    """Origins beside `issuer` at which the city's own apps use passkeys, such as "android:apk-key-hash:…"."""
    closing_seconds: int = 15 * DAY_SECONDS
    """From the wish to close an account to its end; until then it can be called off."""

    step_up_seconds: int = 300
    device_challenge_seconds: int = 300
    further_device_wait_seconds: int = DAY_SECONDS
