"""What may be told about a subject, by name: the words of scopes, disclosures and consent pages.

A name that is not here is told by nobody, so nobody may be asked to agree to it.
"""

from typing import Final

PERSON: Final = frozenset({"display_name", "full_name", "phone_tail", "id_number", "age_over_18", "identity_level"})
ORGANIZATION: Final = frozenset({"name", "credit_code"})
TELLABLE: Final = PERSON | ORGANIZATION
