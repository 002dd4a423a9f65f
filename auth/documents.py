"""Numbers that the state prints on documents: what is well formed, what is not, and what can be read out of one.

Pure rules on text. That a number is well formed says nothing about whether it was ever issued: registries answer that.
"""

import re
import unicodedata
from datetime import date
from typing import Final, Literal, TypeAlias

from app.kit.characters import composed, is_ideograph_of_later_planes

DocumentType: TypeAlias = Literal[
    "id_card",
    "residence_permit_hk_macau_taiwan",
    "travel_permit_hk_macau",
    "travel_permit_taiwan",
    "passport",
    "foreigner_permanent_residence",
]

SYNTHETIC_REGION: Final = "190000"
"""A region code that was never given out: what is made here belongs to nobody."""

_PERMIT_REGIONS: Final = frozenset({"810000", "820000", "830000"})
"""Hong Kong, Macau, Taiwan: where an ID number has a county, a residence permit has one of these."""
_EARLIEST_BIRTH: Final = date(1850, 1, 1)
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = "10X98765432"
_ID_PATTERN: Final = re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII)
_FORMER_ID_PATTERN: Final = re.compile(r"[A-Z]{3}[0-9]{12}", re.ASCII)
_PATTERNS: Final[dict[DocumentType, re.Pattern[str]]] = {
    "travel_permit_hk_macau": re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?", re.ASCII),
    "travel_permit_taiwan": re.compile(r"[0-9]{8}(?:[0-9]{2})?", re.ASCII),
    "passport": re.compile(r"[A-Z0-9]{5,17}", re.ASCII),
}

_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_CREDIT_PATTERN: Final = re.compile(rf"[{_CREDIT_ALPHABET}]{{2}}[0-9]{{6}}[{_CREDIT_ALPHABET}]{{10}}", re.ASCII)
_BODY_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_MIDDLE_DOTS: Final = str.maketrans(dict.fromkeys("•・．‧∙⋅᛫", "·"))
_NAME_LENGTH: Final = 100


def id_card_check_character(first_seventeen: str) -> str:
    """The 18th character of an ID number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(first_seventeen, _ID_WEIGHTS, strict=True))
    return _ID_CHECKS[total % 11]


def id_card_number_is_valid(number: str) -> bool:
    """Whether 18 characters are a well-formed citizen ID number: shape, a date that exists, check character."""
    if _ID_PATTERN.fullmatch(number) is None or _birth_date(number) is None:
        return False
    return id_card_check_character(number[:17]) == number[17]


def birth_date_of(document_type: DocumentType, number: str) -> date | None:
    """The birth date that a number carries, or None where the document's number carries none.

    ID cards, residence permits and the 18-character permanent residence card (2023 form) carry one.
    """
    carries = document_type in {"id_card", "residence_permit_hk_macau_taiwan", "foreigner_permanent_residence"}
    return _birth_date(number) if carries and id_card_number_is_valid(number) else None


def document_number_is_valid(document_type: DocumentType, number: str) -> bool:
    """Whether `number`, already normalized, is well formed for its kind of document."""
    if document_type == "id_card":
        return id_card_number_is_valid(number) and number[0] not in "89"
    if document_type == "residence_permit_hk_macau_taiwan":
        return id_card_number_is_valid(number) and number[:6] in _PERMIT_REGIONS
    if document_type == "foreigner_permanent_residence":
        modern = id_card_number_is_valid(number) and number[0] == "9"
        return modern or _FORMER_ID_PATTERN.fullmatch(number) is not None
    return _PATTERNS[document_type].fullmatch(number) is not None


def normalize_document_number(number: str) -> str:
    """One way to write a number: full-width forms become plain, letters upper case, spaces and hyphens go."""
    tight = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", number)).upper()
    return unicodedata.normalize("NFKC", tight)  # what stood apart may have come together


def normalize_name(name: str) -> str | None:
    """A name as it is compared: one middle dot (U+00B7), no blanks around it; None when it cannot be a name.

    Characters themselves are kept as issued (rare characters outside the first plane too); letters are composed.
    """
    unified = composed(name).translate(_MIDDLE_DOTS)
    collapsed = re.sub(r"\s*·\s*", "·", " ".join(unified.split()))
    if not collapsed or len(collapsed) > _NAME_LENGTH:
        return None
    return collapsed if all(_may_stand_in_a_name(character) for character in collapsed) else None


def same_name(one: str, other: str) -> bool:
    """Whether two names, both normalized, are the same person's: case, variation selectors and commas are no matter.

    Only writing is compared: 测试 and 測試, or a name with and without its middle dot, are two names.
    """
    return _name_key(one) == _name_key(other)


def normalize_phone(phone: str) -> str | None:
    """A mainland mobile number as its 11 digits, or None; a leading +86 or 0086, blanks and hyphens are accepted."""
    digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", phone))
    match = re.fullmatch(r"(?:\+86|0086)?(1[3-9][0-9]{9})", digits, re.ASCII)
    return match[1] if match else None


def credit_code_check_character(first_seventeen: str) -> str:
    """The 18th character of a unified social credit code (GB 32100-2015, ISO 7064 MOD 31-3)."""
    weighted = zip(first_seventeen, _CREDIT_WEIGHTS, strict=True)
    total = sum(_CREDIT_ALPHABET.index(character) * weight for character, weight in weighted)
    return _CREDIT_ALPHABET[-total % 31]


def credit_code_is_valid(code: str) -> bool:
    """Whether 18 characters are a well-formed unified social credit code.

    The older check character inside (GB 11714, position 17) is not asked for: codes without it were issued.
    """
    return _CREDIT_PATTERN.fullmatch(code) is not None and credit_code_check_character(code[:17]) == code[17]


def make_synthetic_id_number(*, birth: date, sequence: int, region: str = SYNTHETIC_REGION) -> str:
    """A well-formed ID number that belongs to nobody; `sequence` 0..999, odd numbers are men's."""
    body = f"{region}{birth:%Y%m%d}{sequence:03d}"
    return body + id_card_check_character(body)


def make_synthetic_credit_code(*, sequence: int, region: str = SYNTHETIC_REGION) -> str:
    """A well-formed credit code of a company (91…) that belongs to nobody; `sequence` 0..99 999 999."""
    digits = f"{sequence:08d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, _BODY_WEIGHTS, strict=True))
    body = f"91{region}{digits}" + "0123456789X0"[11 - total % 11]
    return body + credit_code_check_character(body)


def age_on(day: date, *, born: date) -> int:
    """Whole years on `day`; someone born on 29 February has a birthday on 1 March in ordinary years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _name_key(name: str) -> str:
    plain = "".join(character for character in name if not _is_variation_selector(character))
    return " ".join(plain.replace(",", " ").casefold().split())


def _is_variation_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _birth_date(number: str) -> date | None:
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return born if born >= _EARLIEST_BIRTH else None


def _may_stand_in_a_name(character: str) -> bool:
    # Co: characters that a registry has, but Unicode had not when the document was printed.
    return (
        character in " ·'-.,"
        or unicodedata.category(character)[0] in "LM"
        or unicodedata.category(character) == "Co"
        or is_ideograph_of_later_planes(character)
    )
