"""Runs the rows, prints each group's table when it is measured, writes `bench/out/latest.json`.

Exits 0 whether promises are held or not.

`python -m bench` runs all but `chaos`, which takes minutes; `python -m bench NAME…` the groups that are named.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench import chaos, functions, growth, home, identity, overload, served
from bench.result import Row, as_json, table

OUT = Path("bench/out/latest.json")
GROUPS: dict[str, Callable[[], list[Row]]] = {
    "functions": functions.rows,
    "served": served.rows,
    "identity": identity.rows,
    "home": home.rows,
    "overload": overload.rows,
    "growth": growth.rows,
    "chaos": chaos.rows,
}
USUAL = [name for name in GROUPS if name != "chaos"]


def main(names: list[str]) -> None:
    """All rows in one run, so that each stands beside its limit. Only a whole run is written down."""
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        sys.exit(f"No such group: {', '.join(unknown)}. There are {', '.join(GROUPS)}.")
    rows: list[Row] = []
    for name in names or USUAL:
        measured = GROUPS[name]()
        print(table(measured))
        print(*(f"{row.row}: {row.note}" for row in measured if row.note), sep="\n", flush=True)
        rows += measured
    if not names:
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_bytes(msgspec.json.format(msgspec.json.encode([as_json(row) for row in rows])) + b"\n")
        print(f"Written to {OUT}.")


if __name__ == "__main__":
    main(sys.argv[1:])
