"""A row of the table: what we reach, what the limit is, what was promised."""

from app.kit.structs import Model


class Row(Model):
    """`ours` and `limit` share `unit`. `promise` is a least ratio, or a least value when `promise_is_value`."""

    row: str
    unit: str
    ours: float
    limit: float
    limit_is: str
    promise: float
    promise_is_value: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        """Our share of the limit."""
        return self.ours / self.limit if self.limit else 0.0

    @property
    def held(self) -> bool:
        """Whether the promise is kept in this run."""
        return (self.ours if self.promise_is_value else self.ratio) >= self.promise


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
        "promise_is": "value" if row.promise_is_value else "ratio",
        "held": row.held,
        "note": row.note,
    }


def table(rows: list[Row]) -> str:
    """The rows for a person at a terminal."""
    lines = [f"{'row':<28}{'ours':>12}{'limit':>12}  {'unit':<7}{'ratio':>7}{'promise':>9}  held  limit is"]
    lines += [
        f"{row.row:<28}{row.ours:>12,.0f}{row.limit:>12,.0f}  {row.unit:<7}{row.ratio:>7.2f}"
        f"{row.promise:>9,.2f}  {'yes ' if row.held else 'NO  '}  {row.limit_is}"
        for row in rows
    ]
    return "\n".join(lines)
