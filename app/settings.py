"""Settings: one frozen struct, read once from the environment; every mistake is reported, then the start stops.

`VARIABLES` is the whole list, and the documentation: `suishen settings` prints it. Production refuses to start with a
default, missing or short secret, and without the addresses of real registries.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from app.kit.addresses import networks_of
from app.kit.structs import Model
from app.kit.vault import MASTER_KEY_BYTES

DEVELOPMENT_MARK = "development-only-"
HOST_PATTERN = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$")
PREFIX_PATTERN = re.compile(r"^[A-Z0-9]{2,8}:$")
LEVEL_PATTERN = re.compile(r"^ial[123]\.aal[12]$")
LAST_PORT = 65535
SHORTEST_TOKEN = 32


class SettingsInvalid(Exception):
    """All that is wrong with the environment, a line each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Settings(Model):
    """What an operator may choose. Times in seconds."""

    environment: str
    database_url: str
    data_directory: Path
    master_key: str
    host: str
    port: int
    workers: int
    public_origin: str
    apps_host: str
    brand_zh: str
    brand_en: str
    code_prefix: str
    region: str
    zones_file: str
    calendar_file: str
    population_registry_url: str
    face_service_url: str
    enterprise_registry_url: str
    national_identity_issuer: str
    national_identity_client_id: str
    national_identity_levels: dict[str, str]
    network_identity_url: str
    sms_url: str
    sms_second_url: str
    sms_parts_a_day: int
    notices_a_day: int
    voice_url: str
    staff_channel_url: str
    demo_inbox_url: str
    scenarios_file: str
    enterprise_sources: dict[str, str]
    hotline_url: str
    hotline_app: str
    allowed_upstreams: tuple[str, ...]
    further_device_wait_seconds: int
    gray_step_seconds: int
    passkey_app_origins: tuple[str, ...]
    calls_per_person: int
    calls_per_app: int
    limits: str
    trusted_proxies: tuple[str, ...]
    pictures_directory: str
    metrics_listen: str
    metrics_token: str
    traces_url: str
    traces_percent: int
    log_format: str

    @property
    def production(self) -> bool:
        """Whether real people depend on this."""
        return self.environment == "production"

    @property
    def master_key_bytes(self) -> bytes:
        """The key behind every sealed value; only meaningful once `master_key` is set."""
        return decode_master_key(self.master_key)


def decode_master_key(text: str) -> bytes:
    """32 bytes out of base64url, with or without the development mark; raises `ValueError`."""
    encoded = text.removeprefix(DEVELOPMENT_MARK)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("must be base64url") from None
    if len(key) != MASTER_KEY_BYTES:
        raise ValueError(f"must hold exactly {MASTER_KEY_BYTES} bytes, not {len(key)}")
    if len(set(key)) < MASTER_KEY_BYTES // 4:
        raise ValueError("is not random")
    return key


class Variable(Model):
    """One variable of the environment. An empty value counts as absent."""

    name: str
    field: str
    default: str
    parse: Callable[[str], Any]
    help: str
    production: bool = False  # must be set in production
    secret: bool = False


def _text(value: str) -> str:
    return value


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError("must be one of: " + ", ".join(allowed))
        return value

    return parse


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not pattern.match(value):
            raise ValueError(f"must be {what}")
        return value

    return parse


def _url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
        raise ValueError("must be an http or https address without query")
    return value.rstrip("/")


def _issuer(value: str) -> str:
    return value if _url(value) else ""  # byte for byte: an issuer with a slash at its end is another one


def _origin(value: str) -> str:
    if urlsplit(_url(value)).path not in {"", "/"} or urlsplit(value).username is not None:
        raise ValueError("must be an origin: scheme, host and port, no path")
    return value.rstrip("/")


def _database(value: str) -> str:
    if value and urlsplit(value).scheme not in {"postgresql", "postgres"}:
        raise ValueError("must begin with postgresql://")
    return value


def _limits(value: str) -> str:
    parts = urlsplit(value)
    away = (
        bool(parts.hostname) if parts.scheme in {"valkey", "valkeys"} else parts.scheme == "unix" and bool(parts.path)
    )
    if value not in {"", "memory", "database"} and not away:
        raise ValueError("must be memory, database, or an address: valkey://, valkeys:// or unix://")
    return value


def _listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    numbered = colon and port.isascii() and port.isdigit() and 0 < int(port) <= LAST_PORT
    if value and not (numbered and HOST_PATTERN.match(host)):
        raise ValueError("must be an address and a port, as 127.0.0.1:9100")
    return value


def _bearer_token(value: str) -> str:
    if value and (len(value) < SHORTEST_TOKEN or not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", value)):
        raise ValueError(f"must be at least {SHORTEST_TOKEN} letters, digits or marks of a bearer token")
    return value


def _master_key(value: str) -> str:
    if value:
        decode_master_key(value)
    return value


def _named_urls(value: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if any(not name.strip() or not url for name, _, url in pairs):
        raise ValueError("must be name=url, separated by commas")
    return {name.strip(): _url(url.strip()) for name, _, url in pairs}


def _levels(value: str) -> dict[str, str]:
    pairs = [part.strip().rpartition("=") for part in value.split(",") if part.strip()]
    if any(not name or not LEVEL_PATTERN.match(level) for name, _, level in pairs):
        raise ValueError("must be acr=ialN.aalN, separated by commas")
    return {name: level for name, _, level in pairs}


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _networks(value: str) -> tuple[str, ...]:
    try:
        return tuple(str(network) for network in networks_of(_list(value)))
    except ValueError:
        raise ValueError("must be networks, as 10.0.0.0/8, separated by commas, and not all there are") from None


VARIABLES: tuple[Variable, ...] = (
    Variable(
        name="SUISHEN_ENVIRONMENT",
        field="environment",
        default="development",
        parse=_one_of("development", "production"),
        help="production refuses every stand-in and every default secret",
    ),
    Variable(
        name="DATABASE_URL",
        field="database_url",
        default="",
        parse=_database,
        help="any PostgreSQL 15 or newer; empty: the embedded one, in the data directory",
        production=True,
        secret=True,
    ),
    Variable(
        name="SUISHEN_DATA_DIRECTORY",
        field="data_directory",
        default="",
        parse=Path,
        help="where the embedded database, development keys and audit checkpoints live; empty: .suishen here",
    ),
    Variable(
        name="SUISHEN_MASTER_KEY",
        field="master_key",
        default="",
        parse=_master_key,
        help="32 random bytes, base64url; seals every secret at rest; development makes its own",
        production=True,
        secret=True,
    ),
    Variable(name="SUISHEN_HOST", field="host", default="127.0.0.1", parse=_text, help="address to listen on"),
    Variable(name="SUISHEN_PORT", field="port", default="8000", parse=_number(1, LAST_PORT), help="port to listen on"),
    Variable(
        name="SUISHEN_WORKERS", field="workers", default="2", parse=_number(1, 256), help="number of worker processes"
    ),
    Variable(
        name="SUISHEN_PUBLIC_ORIGIN",
        field="public_origin",
        default="",
        parse=_origin,
        help="where people reach this server, also the token issuer; empty: http://127.0.0.1:PORT",
        production=True,
    ),
    Variable(
        name="SUISHEN_APPS_HOST",
        field="apps_host",
        default="",
        parse=_matching(re.compile(r"^$|" + HOST_PATTERN.pattern), "a host in lower case, with or without a port"),
        help="host of the departments' services, never the same as the public origin; empty: apps.localhost:PORT",
        production=True,
    ),
    Variable(
        name="SUISHEN_BRAND_ZH", field="brand_zh", default="随申办", parse=_text, help="the city's name for this, zh"
    ),
    Variable(name="SUISHEN_BRAND_EN", field="brand_en", default="Suishen", parse=_text, help="the same in English"),
    Variable(
        name="SUISHEN_CODE_PREFIX",
        field="code_prefix",
        default="SSM1:",
        parse=_matching(PREFIX_PATTERN, "2 to 8 capital letters or digits and a colon"),
        help="what a personal code begins with",
    ),
    Variable(
        name="SUISHEN_REGION",
        field="region",
        default="190000",
        parse=_matching(re.compile(r"^\d{6}$"), "six digits (GB/T 2260)"),
        help="the city's region code; the default is assigned to nobody",
    ),
    Variable(
        name="SUISHEN_CALENDAR_FILE",
        field="calendar_file",
        default="",
        parse=_text,
        help="public holidays and worked weekends (TOML: holidays = [2026-10-01, …], workdays = […]); empty: weekends",
    ),
    Variable(
        name="SUISHEN_ZONES_FILE",
        field="zones_file",
        default="",
        parse=_text,
        help="the city's districts and streets (TOML: [[zones]] with code, zh, en); empty: those of the demo city",
    ),
    Variable(
        name="SUISHEN_POPULATION_REGISTRY_URL",
        field="population_registry_url",
        default="",
        parse=_url,
        help="population registry, for real names",
        production=True,
    ),
    Variable(
        name="SUISHEN_FACE_SERVICE_URL",
        field="face_service_url",
        default="",
        parse=_url,
        help="face service, for identity level 3; empty: a stand-in (development only)",
    ),
    Variable(
        name="SUISHEN_ENTERPRISE_REGISTRY_URL",
        field="enterprise_registry_url",
        default="",
        parse=_url,
        help="enterprise registry, for responsible persons",
        production=True,
    ),
    Variable(
        name="SUISHEN_NATIONAL_IDENTITY_ISSUER",
        field="national_identity_issuer",
        default="",
        parse=_issuer,
        help="national identity provider (OpenID Connect, with PAR), another way in; empty: closed",
    ),
    Variable(
        name="SUISHEN_NATIONAL_IDENTITY_CLIENT_ID",
        field="national_identity_client_id",
        default="suishen",
        parse=_text,
        help="as which the city is registered there; its keys are at /oauth/upstream/jwks",
    ),
    Variable(
        name="SUISHEN_NATIONAL_IDENTITY_LEVELS",
        field="national_identity_levels",
        default="",
        parse=_levels,
        help="what its acr values mean here: urn:example:face=ial3.aal2,…; one that is not named opens nothing",
    ),
    Variable(
        name="SUISHEN_NETWORK_IDENTITY_URL",
        field="network_identity_url",
        default="",
        parse=_url,
        help="platform of network identities (网号, 网证), another way in; empty: closed",
    ),
    Variable(
        name="SUISHEN_SMS_URL",
        field="sms_url",
        default="",
        parse=_url,
        help="SMS vendor; empty: messages appear in the demo inbox (development only)",
        production=True,
    ),
    Variable(
        name="SUISHEN_SMS_SECOND_URL",
        field="sms_second_url",
        default="",
        parse=_url,
        help="second SMS vendor, asked when the first does not take a message",
    ),
    Variable(
        name="SUISHEN_SMS_PARTS_A_DAY",
        field="sms_parts_a_day",
        default="1000000",
        parse=_number(1, 1_000_000_000),
        help="text messages the city pays for in a day, in parts as vendors bill them; notices stop at four fifths",
    ),
    Variable(
        name="SUISHEN_NOTICES_A_DAY",
        field="notices_a_day",
        default="30",
        parse=_number(1, 10_000),
        help="notices that one person gets outside the app in a day; what is more waits in the app",
    ),
    Variable(
        name="SUISHEN_VOICE_URL",
        field="voice_url",
        default="",
        parse=_url,
        help="voice vendor, which reads notices out to who chose calls; empty: they get text messages",
    ),
    Variable(
        name="SUISHEN_STAFF_CHANNEL_URL",
        field="staff_channel_url",
        default="",
        parse=_url,
        help="the city's messenger for staff, for urgent alerts; empty: alerts stand in the list alone",
    ),
    Variable(
        name="SUISHEN_DEMO_INBOX_URL",
        field="demo_inbox_url",
        default="",
        parse=_url,
        help="where stand-in vendors show what they took (development only; production refuses it)",
    ),
    Variable(
        name="SUISHEN_SCENARIOS_FILE",
        field="scenarios_file",
        default="",
        parse=_text,
        help="the city's own code scenarios (TOML), read anew when it changes; empty: those that ship; see: "
        "suishen scenarios",
    ),
    Variable(
        name="SUISHEN_ENTERPRISE_SOURCES",
        field="enterprise_sources",
        default="",
        parse=_named_urls,
        help="sources of enterprise checks: emergency=URL,work_safety=URL,fire=URL",
    ),
    Variable(
        name="SUISHEN_HOTLINE_URL",
        field="hotline_url",
        default="",
        parse=_url,
        help="who takes complaints about scans; empty: they wait for the city's audit officers",
    ),
    Variable(
        name="SUISHEN_HOTLINE_APP",
        field="hotline_app",
        default="",
        parse=_text,
        help="the mini-app that takes complaints about scans by signed calls and is asked what it answered; goes "
        "before SUISHEN_HOTLINE_URL",
    ),
    Variable(
        name="SUISHEN_ALLOWED_UPSTREAMS",
        field="allowed_upstreams",
        default="",
        parse=_list,
        help="host:port of departments in the operator's own network, otherwise refused as private addresses",
    ),
    Variable(
        name="SUISHEN_FURTHER_DEVICE_WAIT_SECONDS",
        field="further_device_wait_seconds",
        default="86400",
        parse=_number(0, 30 * 86400),
        help="how long a person's second device waits before it may show codes, and a new phone before it is theirs",
    ),
    Variable(
        name="SUISHEN_GRAY_STEP_SECONDS",
        field="gray_step_seconds",
        default="600",
        parse=_number(0, 30 * 86400),
        help="how long a share of the citizens has a department's new release before a larger share gets it",
    ),
    Variable(
        name="SUISHEN_PASSKEY_APP_ORIGINS",
        field="passkey_app_origins",
        default="",
        parse=_list,
        help="origins of the city's own apps that use passkeys beside the public origin: android:apk-key-hash:…",
    ),
    Variable(
        name="SUISHEN_CALLS_PER_PERSON",
        field="calls_per_person",
        default="50",
        parse=_number(1, 100_000),
        help="calls a second that one person may make to departments; bursts of twice as many",
    ),
    Variable(
        name="SUISHEN_CALLS_PER_APP",
        field="calls_per_app",
        default="2000",
        parse=_number(1, 1_000_000),
        help="calls a second that all together may make to one mini-app; bursts of twice as many",
    ),
    Variable(
        name="SUISHEN_LIMITS",
        field="limits",
        default="",
        parse=_limits,
        help="where calls are counted: memory (each worker for itself), database, or a Valkey's valkey:// address; "
        "empty: memory for one worker, database for more; several nodes need one of the latter two",
    ),
    Variable(
        name="SUISHEN_TRUSTED_PROXIES",
        field="trusted_proxies",
        default="",
        parse=_networks,
        help="networks of the proxies before this server, whose X-Forwarded-For is believed: 10.0.0.0/24,fd00::/64",
    ),
    Variable(
        name="SUISHEN_PICTURES_DIRECTORY",
        field="pictures_directory",
        default="",
        parse=_text,
        help="folder of the demo city's pictures, shown at /demo/pictures (development only)",
    ),
    Variable(
        name="SUISHEN_METRICS_LISTEN",
        field="metrics_listen",
        default="",
        parse=_listen,
        help="address and port on which Prometheus reads /metrics, for the operator's own network: 127.0.0.1:9100; "
        "empty: nowhere",
    ),
    Variable(
        name="SUISHEN_METRICS_TOKEN",
        field="metrics_token",
        default="",
        parse=_bearer_token,
        help="what Prometheus shows as its bearer token, at least 32 characters; needed with SUISHEN_METRICS_LISTEN",
        secret=True,
    ),
    Variable(
        name="SUISHEN_TRACES_URL",
        field="traces_url",
        default="",
        parse=_url,
        help="where an OpenTelemetry collector takes spans of calls (OTLP over HTTP, JSON): "
        "http://127.0.0.1:4318/v1/traces; empty: nowhere",
    ),
    Variable(
        name="SUISHEN_TRACES_PERCENT",
        field="traces_percent",
        default="5",
        parse=_number(1, 100),
        help="of how many calls in a hundred it is told",
    ),
    Variable(
        name="SUISHEN_LOG_FORMAT",
        field="log_format",
        default="console",
        parse=_one_of("console", "json"),
        help="how log lines look",
    ),
)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in force; raises `SettingsInvalid` with every mistake at once."""
    values: dict[str, Any] = {}
    mistakes: list[str] = []
    for variable in VARIABLES:
        try:
            values[variable.field] = variable.parse(environ.get(variable.name) or variable.default)
        except ValueError as error:
            mistakes.append(f"{variable.name} {error}.")
    known = {variable.name for variable in VARIABLES}
    strangers = sorted(name for name in environ if name.startswith("SUISHEN_") and name not in known)
    mistakes += [f"{name} is not a setting; see: suishen settings." for name in strangers]
    if environ.get("SUISHEN_METRICS_LISTEN") and not environ.get("SUISHEN_METRICS_TOKEN"):
        mistakes.append("SUISHEN_METRICS_TOKEN must be set with SUISHEN_METRICS_LISTEN.")
    if environ.get("SUISHEN_ENVIRONMENT") == "production":
        mistakes += _production_mistakes(environ)
    if mistakes:
        raise SettingsInvalid(mistakes)
    return _with_derived(Settings(**values))


def _production_mistakes(environ: Mapping[str, str]) -> list[str]:
    missing = [
        f"{variable.name} must be set in production."
        for variable in VARIABLES
        if variable.production and not environ.get(variable.name)
    ]
    if environ.get("SUISHEN_MASTER_KEY", "").startswith(DEVELOPMENT_MARK):
        missing.append("SUISHEN_MASTER_KEY is a development key; production needs its own.")
    if environ.get("SUISHEN_PUBLIC_ORIGIN", "https:").startswith("http:"):
        missing.append("SUISHEN_PUBLIC_ORIGIN must be https in production.")
    if environ.get("SUISHEN_NATIONAL_IDENTITY_ISSUER", "https:").startswith("http:"):
        missing.append("SUISHEN_NATIONAL_IDENTITY_ISSUER must be https in production.")
    if environ.get("SUISHEN_PICTURES_DIRECTORY"):
        missing.append("SUISHEN_PICTURES_DIRECTORY is for development only.")
    return missing


def _with_derived(settings: Settings) -> Settings:
    settings = msgspec.structs.replace(
        settings,
        public_origin=settings.public_origin or f"http://127.0.0.1:{settings.port}",
        apps_host=settings.apps_host or f"apps.localhost:{settings.port}",
        limits=settings.limits or ("memory" if settings.workers == 1 else "database"),
    )
    if urlsplit(settings.public_origin).netloc == settings.apps_host:
        raise SettingsInvalid(["SUISHEN_APPS_HOST must differ from the host of SUISHEN_PUBLIC_ORIGIN."])
    return settings


def to_environ(settings: Settings) -> dict[str, str]:
    """The environment that reads back as `settings`: what a worker process is given."""
    environ: dict[str, str] = {}
    for variable in VARIABLES:
        value = getattr(settings, variable.field)
        if isinstance(value, dict):
            value = ",".join(f"{name}={url}" for name, url in value.items())
        if isinstance(value, tuple):
            value = ",".join(value)
        environ[variable.name] = str(value)
    return environ


def describe() -> str:
    """Every variable with its meaning and default, in Markdown: `suishen settings` and `docs/settings.md`."""
    rows = "\n".join(
        f"| `{variable.name}` | {variable.help} | {f'`{variable.default}`' if variable.default else '(empty)'} "
        f"| {'yes' if variable.production else ''} |"
        for variable in VARIABLES
    )
    return f"| variable | meaning | default | required in production |\n|---|---|---|---|\n{rows}"
