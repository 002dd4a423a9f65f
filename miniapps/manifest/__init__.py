"""What a department declares about its mini-app, as `ssb-manifest/1`: pure functions of bytes, no I/O anywhere.

Read it (`parse_manifest`), judge it (`lint_manifest`), name it (`manifest_hash`), describe it (`json_schema`).
"""

from miniapps.manifest.addresses import address_problem, host_of
from miniapps.manifest.canonical import (
    LONGEST_MANIFEST,
    ManifestUnreadable,
    canonical_bytes,
    decode_canonical,
    json_schema,
    manifest_hash,
    parse_manifest,
    render_manifest,
)
from miniapps.manifest.consents import consent_text, hosts_of, recipient_of
from miniapps.manifest.labels import app_id_of, label_of
from miniapps.manifest.lint import LONGEST_EMERGENCY_DAYS, Finding, lint_manifest, refusals
from miniapps.manifest.models import (
    Backend,
    BaseUrl,
    Cache,
    Item,
    LocalText,
    Manifest,
    Masking,
    Rate,
    Route,
    Scope,
    Widget,
)
from miniapps.manifest.paths import lies_below, split_template, template_shape

__all__ = [
    "LONGEST_EMERGENCY_DAYS",
    "LONGEST_MANIFEST",
    "Backend",
    "BaseUrl",
    "Cache",
    "Finding",
    "Item",
    "LocalText",
    "Manifest",
    "ManifestUnreadable",
    "Masking",
    "Rate",
    "Route",
    "Scope",
    "Widget",
    "address_problem",
    "app_id_of",
    "canonical_bytes",
    "consent_text",
    "decode_canonical",
    "host_of",
    "hosts_of",
    "json_schema",
    "label_of",
    "lies_below",
    "lint_manifest",
    "manifest_hash",
    "parse_manifest",
    "recipient_of",
    "refusals",
    "render_manifest",
    "split_template",
    "template_shape",
]
