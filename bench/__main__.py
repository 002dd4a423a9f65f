"""Runs every row, prints the table, writes `bench/out/latest.json`. Exits 0 whether promises are held or not."""

from pathlib import Path

import msgspec

from bench import functions, home, identity, overload, served
from bench.result import as_json, table

OUT = Path("bench/out/latest.json")


def main() -> None:
    """All rows in one run, so that each stands beside its limit."""
    rows = functions.rows()
    rows += served.rows()
    rows += identity.rows()
    rows += home.rows()
    rows += overload.rows()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode([as_json(row) for row in rows])) + b"\n")
    print(table(rows))
    print(*(f"{row.row}: {row.note}" for row in rows if row.note), sep="\n")
    print(f"Written to {OUT}.")


main()
