"""The fast lane, from a department's own machine: a manifest becomes that of an emergency; its end is signed.

Talks to nobody. The key never leaves the folder, readable by its owner only.
"""

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.kit.jwt import ALGORITHM
from miniapps.lifecycle.models import DELETION_TYP
from miniapps.manifest import LONGEST_EMERGENCY_DAYS, ManifestUnreadable, lint_manifest, parse_manifest, refusals

KEY_ID = "deletion"
KEPT_DAYS = 30


@click.command()
@click.argument("manifest", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--law", required=True, help="The statute by which the registration happens.")
@click.option("--event-zh", required=True, help="What happened, as citizens read it in Chinese.")
@click.option("--event-en", required=True, help="The same in English.")
@click.option("--days", type=click.IntRange(1, LONGEST_EMERGENCY_DAYS), default=30, show_default=True)
@click.option(
    "--key", type=click.Path(path_type=Path, dir_okay=False), default=Path("deletion-key.pem"), show_default=True
)
def emergency(*, manifest: Path, law: str, event_zh: str, event_en: str, days: int, key: Path) -> None:
    """Makes MANIFEST that of an emergency registration: by law, for a time, with a key that signs its deletion.

    Every scope rests on the statute and is kept for 30 days at most. The city judges it within a day; it ends alone.
    """
    try:
        document: dict[str, Any] = msgspec.to_builtins(parse_manifest(manifest.read_bytes()))
    except ManifestUnreadable as error:
        raise click.ClickException(f"{error.reason}; nothing was changed.") from None
    if "emergency" in document:
        raise click.ClickException(f"{manifest} is an emergency's already; nothing was changed.")
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    document["emergency"] = {
        "event": {"zh": event_zh, "en": event_en},
        "legal_basis": law,
        "expires_at": ends_at.isoformat(),
    }
    document.pop("sunset", None)
    for scope in document.get("data", {}).get("scopes", ()):
        kept = min(scope.get("retention_days", 0), KEPT_DAYS)
        scope |= {"basis": "statute", "legal_basis": law, "required": True, "retention_days": kept}
    backend = document.setdefault("backend", {})
    backend["keys"] = [*backend.get("keys", ()), _public(_key_in(key))]
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    try:
        wrong = refusals(lint_manifest(parse_manifest(text.encode())))
    except ManifestUnreadable as error:
        raise click.ClickException(f"{error.reason}; nothing was changed.") from None
    if wrong:
        raise click.ClickException("; ".join(f"{finding.at}: {finding.message.en}" for finding in wrong))
    manifest.write_text(text, encoding="utf-8")
    click.echo(f"{manifest}: until {ends_at.isoformat()}. Keep {key}: it signs the deletion afterwards.")


@click.command("prove-deletion")
@click.argument("app_id")
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False, exists=True), default=Path("deletion-key.pem"))
@click.option("--count", "counts", multiple=True, required=True, help="How many of what: registrations=1200.")
def prove_deletion(*, app_id: str, key: Path, counts: tuple[str, ...]) -> None:
    """Prints the signed word of APP_ID's department that nothing is left, as of now.

    For POST /v1/apps/APP_ID/emergency/deletion. Sign it after you deleted, not before.
    """
    claims = {
        "iss": app_id,
        "app_id": app_id,
        "deleted_at": int(datetime.now(UTC).timestamp()),
        "counts": dict(_count(text) for text in counts),
    }
    headers = {"kid": KEY_ID, "typ": DELETION_TYP}
    click.echo(jwt.encode(claims, _key_in(key), algorithm=ALGORITHM, headers=headers))


def _count(text: str) -> tuple[str, int]:
    name, _, number = text.rpartition("=")
    if not name or not number.isascii() or not number.isdigit():
        raise click.BadParameter(f"{text!r} is not NAME=NUMBER.", param_hint="--count")
    return name, int(number)


def _key_in(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in `path`, made there when there is none."""
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise click.ClickException(f"{path} holds no P-256 key.")
    return key


def _public(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(part.to_bytes(32, "big")).rstrip(b"=") for part in (numbers.x, numbers.y))
    return {"kid": KEY_ID, "x": x.decode(), "y": y.decode()}
