"""A row of the table: what we reach, what the limit is, what was promised."""

from typing import Literal

from app.kit.structs import Model


class Row(Model):
    """`ours` and `limit` share `unit`. `promise` is a least ratio, a least value, or the most that `ours` may be."""

    row: str
    unit: str
    ours: float
    limit: float
    limit_is: str
    promise: float
    promise_is: Literal["ratio", "value", "most"] = "ratio"
    note: str = ""

    @property
    def ratio(self) -> float:
        """Our share of the limit."""
        return self.ours / self.limit if self.limit else 0.0

    @property
    def held(self) -> bool:
        """Whether the promise is kept in this run."""
        if self.promise_is == "most":
            return self.ours <= self.promise
        return (self.ours if self.promise_is == "value" else self.ratio) >= self.promise


def as_json(row: Row) -> dict[str, object]:
    """The row as it stands in `bench/out/latest.json`."""
    return {
        "row": row.row,
        "unit": row.unit,
        "ours": round(row.ours, 3),
        "limit": round(row.limit, 3),
        "limit_is": row.limit_is,
        "ratio": round(row.ratio, 4),
        "promise": row.promise,
        "promise_is": row.promise_is,
        "held": row.held,
        "note": row.note,
    }


def table(rows: list[Row]) -> str:
    """The rows for a person at a terminal."""
    lines = [f"{'row':<28}{'ours':>12}{'limit':>12}  {'unit':<7}{'ratio':>7}{'promise':>9}  held  limit is"]
    lines += [
        f"{row.row:<28}{_short(row.ours):>12}{_short(row.limit):>12}  {row.unit:<7}{row.ratio:>7.2f}"
        f"{row.promise:>9,.2f}  {'yes ' if row.held else 'NO  '}  {row.limit_is}"
        for row in rows
    ]
    return "\n".join(lines)


def _short(value: float) -> str:
    """A value as it is read: small ones are milliseconds."""
    return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.0f}"
