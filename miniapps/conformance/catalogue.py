"""All cases in the order in which they run: their words from `cases.toml`, their judges from the code.

Refuses at import a case without a judge and a judge without a case.
"""

import tomllib
from importlib import resources
from typing import Final

import msgspec

from app.kit.structs import Request, Text
from miniapps.conformance.answering import ANSWERING
from miniapps.conformance.judging import Case
from miniapps.conformance.models import Group
from miniapps.conformance.refusing import REFUSING


class _Words(Request):
    group: Group
    live: bool
    title: Text
    advice: Text | str


class _File(Request):
    advice: dict[str, Text]
    case: dict[str, _Words]


def _read() -> tuple[Case, ...]:
    text = (resources.files("miniapps.conformance") / "cases.toml").read_text(encoding="utf-8")
    file, judges = msgspec.convert(tomllib.loads(text), _File), {**ANSWERING, **REFUSING}
    if judges.keys() != file.case.keys():
        raise ValueError(f"Words or judge are missing: {sorted(judges.keys() ^ file.case.keys())}")
    return tuple(
        Case(
            id=name,
            group=words.group,
            live=words.live,
            title=words.title,
            advice=words.advice if isinstance(words.advice, Text) else file.advice[words.advice],
            judge=judges[name],
        )
        for name, words in file.case.items()
    )


CASES: Final = _read()
