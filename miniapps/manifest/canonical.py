"""Bytes to manifest and back: one reading of the document, one canonical form (RFC 8785), one hash that names it.

Refuses what two JSON readers could understand differently: a name that stands twice, NaN, numbers beyond 2^53, text
that is not UTF-8.
"""

import hashlib
import json
from typing import Any

import msgspec
import rfc8785

from miniapps.manifest.explaining import explain
from miniapps.manifest.models import Manifest

LONGEST_MANIFEST = 256 * 1024
SCHEMA_ID = "https://suishen.dev/schemas/ssb-manifest-1.json"

_decoder = msgspec.json.Decoder(Manifest)


class ManifestUnreadable(Exception):
    """The bytes are not an `ssb-manifest/1`. `reason` says what stands where, for the author."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_manifest(document: bytes) -> Manifest:
    """The manifest that `document` declares; raises `ManifestUnreadable` and nothing else, whatever the bytes.

    Every field is checked by itself; `lint_manifest` checks what they say together.
    """
    _read_json(document)
    return _decode(document)


def canonical_bytes(document: bytes) -> bytes:
    """The canonical form (RFC 8785) of a manifest document: the bytes that are stored, hashed and reviewed."""
    value = _read_json(document)
    _decode(document)
    return _canonicalise(value)


def decode_canonical(stored: bytes) -> Manifest:
    """The manifest of bytes that `canonical_bytes` made; skips the checks that those already passed."""
    return _decoder.decode(stored)


def manifest_hash(document: bytes) -> str:
    """SHA-256 of the canonical form, 64 hexadecimal characters: the same for every order and spacing of the fields."""
    return hashlib.sha256(canonical_bytes(document)).hexdigest()


def render_manifest(manifest: Manifest) -> bytes:
    """The canonical form of a manifest made in a program; fields that hold their default are left out."""
    return _canonicalise(msgspec.to_builtins(manifest))


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of `ssb-manifest/1`, for editors and for departments' own checks."""
    schema = msgspec.json.schema(Manifest)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}


def _decode(document: bytes) -> Manifest:
    try:
        return _decoder.decode(document)
    except msgspec.ValidationError as error:
        raise ManifestUnreadable(explain(str(error), json_schema())) from None
    except ValueError as error:
        raise ManifestUnreadable(str(error)) from None
    except RecursionError:
        raise ManifestUnreadable("Nested too deeply") from None


def _read_json(document: bytes) -> Any:
    if len(document) > LONGEST_MANIFEST:
        raise ManifestUnreadable(f"Longer than {LONGEST_MANIFEST} bytes")
    try:
        return json.loads(document.decode(), object_pairs_hook=_refuse_repeated_names, parse_constant=_refuse_constant)
    except RecursionError:
        raise ManifestUnreadable("Nested too deeply") from None
    except ValueError as error:
        raise ManifestUnreadable(str(error)) from None


def _canonicalise(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except ValueError as error:
        raise ManifestUnreadable(str(error)) from None


def _refuse_repeated_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ManifestUnreadable("A name stands twice in one object")
    return members


def _refuse_constant(name: str) -> Any:
    raise ManifestUnreadable(f"{name} is not JSON")
