"""What a code on a wall says to anybody: neutral between kinds, so that one page and one route show them all."""

from datetime import datetime
from typing import Any

from app.kit.structs import Model, Text
from codes.envelope.claims import Claims
from codes.verdict import Check, Freshness, Reason


class Fact(Model):
    """One line of the page. A moment is shown in the city's time: its day, or with `to_the_minute` its minute too."""

    label: Text
    value: str | datetime
    to_the_minute: bool = False


class Section(Model):
    """A part of the page with a heading of its own."""

    title: Text
    lines: tuple[Text, ...]


class Description(Model):
    """Whom or what a valid code stands for. `view` is the same for programs; all of it is for everybody."""

    name: str
    facts: tuple[Fact, ...]
    view: Any  # a struct of the kind's own
    advice: Text
    warnings: tuple[Text, ...] = ()
    sections: tuple[Section, ...] = ()


class Reading(Model):
    """A code of the city's own hand as it stands now, with the steps that led there and the age of what they rest on.

    `claims` are there as soon as the city's signature held, whatever the reason says of the code by now.
    """

    reason: Reason
    claims: Claims | None
    checks: list[Check]
    freshness: Freshness


class Sticker(Model):
    """What a passer-by is told: a description only if everything holds."""

    reason: Reason
    description: Description | None = None
