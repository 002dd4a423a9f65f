"""What a citizen reads of a scope before they consent. Pure."""

from auth.consents.texts import ConsentText
from miniapps.manifest.models import Scope


def consent_text(scope: Scope) -> ConsentText:
    """The words of the scope; their version is held against the citizen's consent wherever fields are told."""
    return ConsentText(
        purpose=scope.purpose.as_text(),
        fields=scope.fields,
        sensitive=scope.sensitivity == "sensitive",
        retention_days=scope.retention_days,
    )
