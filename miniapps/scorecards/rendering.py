"""Scorecards on paper: a table for a terminal, or CSV for a spreadsheet. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from miniapps.scorecards.models import Scorecard

HEADINGS: Final = (
    "app_id",
    "department",
    "verdict",
    "reasons",
    "users",
    "calls",
    "success",
    "p95_ms",
    "ratings",
    "satisfied",
    "punctual",
)
LAST_NARROW: Final = 0x2E7F
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def row_of(card: Scorecard) -> tuple[str, ...]:
    """One card as texts; what is not known is empty."""
    facts = card.facts
    numbers = (facts.users, facts.calls, facts.success, facts.p95_ms, facts.ratings, facts.satisfied, facts.punctual)
    return (
        card.app_id,
        card.department,
        card.judgement.verdict,
        " ".join(card.judgement.reasons),
        *("" if number is None else str(number) for number in numbers),
    )


def as_csv(cards: Iterable[Scorecard]) -> str:
    """RFC 4180, with a heading. No field begins as a formula of a spreadsheet does."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    for card in cards:
        writer.writerow("'" + text if text.startswith(FORMULA) else text for text in row_of(card))
    return out.getvalue()


def as_table(cards: Iterable[Scorecard]) -> str:
    """Columns of one width each; Chinese letters count as two."""
    rows: list[Sequence[str]] = [HEADINGS, *(row_of(card) for card in cards)]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = (
        "  ".join(text + " " * (wide - _width(text)) for text, wide in zip(row, widths, strict=True)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _width(text: str) -> int:
    return sum(2 if ord(letter) > LAST_NARROW else 1 for letter in text)
