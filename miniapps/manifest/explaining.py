"""Says in the schema's own words why a manifest cannot be read: where it stands, and what may stand there. Pure.

Refuses nothing itself; what it cannot place it passes on as it is.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

_PROBLEM: Final = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$(?P<place>[^`]*)`)?", re.DOTALL)
_STEP: Final = re.compile(r"\.([A-Za-z0-9_]+)|\[([0-9]+)\]")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISFIT: Final = re.compile(r"Expected `str` matching regex '(.*)'", re.DOTALL)
_NO_LINE_FEED: Final = r"(?!\\n)"


def explain(problem: str, schema: Schema) -> str:
    """What msgspec says of a document, with the place as a JSON pointer and what the schema allows there."""
    found = _PROBLEM.fullmatch(problem)
    assert found is not None, "any text fits"
    steps = [name or number for name, number in _STEP.findall(found["place"] or "")]
    here, what = _at(schema, steps), found["what"]
    said = _of_names(what, here) or _of_form(what, here) or _of_choice(what, here)
    return f"/{'/'.join(steps)}: {said}" if steps else said


def _of_names(what: str, here: Schema) -> str | None:
    """A name that is none; the one that was probably meant."""
    unknown = _UNKNOWN.fullmatch(what)
    if unknown is None:
        return None
    meant = get_close_matches(unknown[1], here.get("properties", ()), n=1)
    return f"unknown field `{unknown[1]}`" + (f"; is `{meant[0]}` meant?" if meant else "")


def _of_form(what: str, here: Schema) -> str | None:
    """A text of another form: what it stands for says more than a regular expression, where that is told."""
    misfit = _MISFIT.fullmatch(what)
    if misfit is None:
        return None
    return f"not of this form: {here.get('description') or misfit[1].replace(_NO_LINE_FEED, '')}"


def _of_choice(what: str, here: Schema) -> str:
    """Whatever else, with all that could be chosen."""
    return f"{what}; one of {', '.join(map(str, here['enum']))}" if "enum" in here else what


def _at(schema: Schema, steps: list[str]) -> Schema:
    """The schema of one place; empty where none is known."""
    here = _resolved(schema, schema)
    for step in steps:
        inner = here.get("items") if step.isdecimal() else here.get("properties", {}).get(step)
        here = _resolved(schema, inner) if isinstance(inner, Mapping) else {}
    return here


def _resolved(schema: Schema, here: Schema) -> Schema:
    """Through references, and through "this or null"."""
    while True:
        if "$ref" in here:
            here = schema["$defs"][here["$ref"].rpartition("/")[2]]
        elif "anyOf" in here:
            here = next((one for one in here["anyOf"] if one.get("type") != "null"), {})
        else:
            return here
