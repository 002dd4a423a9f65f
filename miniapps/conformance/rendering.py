"""A report for readers: text for a terminal, Markdown for a ticket, one HTML page for a colleague. Pure.

What comes from a department (its address) is escaped; the rest are words of ours.
"""

from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Final

import msgspec

from app.kit.pages import STYLE
from miniapps.conformance.models import CaseResult, ConformanceReport, Outcome, report_hash

MARKS: Final[Mapping[Outcome, str]] = {"passed": "✓", "failed": "✗", "warned": "!", "skipped": "-"}
ORDER: Final[tuple[Outcome, ...]] = ("failed", "warned", "passed", "skipped")


def as_text(report: ConformanceReport) -> str:
    """What a developer reads in a terminal: every case, and under each that did not hold what to do."""
    return "\n".join([_summary(report), "", *_lines(report.cases), "", _verdict(report)]) + "\n"


def as_json(report: ConformanceReport) -> str:
    """What is handed in."""
    return msgspec.json.format(msgspec.json.encode(report)).decode() + "\n"


def as_markdown(report: ConformanceReport) -> str:
    """The same as a table, what needs work first."""
    rows = [
        f"| {MARKS[case.outcome]} | `{case.id}` | {case.title.zh} {case.title.en} | `{_cell(case.seen)}` |"
        for case in _sorted(report)
    ]
    advice = [f"- `{case.id}`: {case.advice.zh} {case.advice.en}" for case in _sorted(report) if case.advice]
    head = [f"# {_verdict(report)}", "", _summary(report), "", "| | | | |", "|---|---|---|---|", *rows]
    return "\n".join([*head, *(["", "## 怎么办 What to do", "", *advice] if advice else []), ""])


def as_html(report: ConformanceReport) -> str:
    """A page that needs nothing but itself."""
    rows = "".join(
        f"<tr><td>{MARKS[case.outcome]}</td><td><code>{case.id}</code></td>"
        f"<td>{escape(case.title.zh)}<br>{escape(case.title.en)}{_advice(case)}</td>"
        f"<td><code>{escape(case.seen)}</code></td></tr>"
        for case in _sorted(report)
    )
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(report.app_id)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head><body><main>'
        f"<h1>{escape(_verdict(report))}</h1><p>{escape(_summary(report))}</p><table>{rows}</table></main></body></html>\n"
    )


RENDERERS: Final[Mapping[str, Callable[[ConformanceReport], str]]] = {
    ".txt": as_text,
    ".json": as_json,
    ".md": as_markdown,
    ".html": as_html,
}
"""By the ending of the file."""


def _summary(report: ConformanceReport) -> str:
    when = f"{report.made_at:%Y-%m-%d %H:%M:%SZ}"
    return f"{report.app_id} {report.version_code} · {report.environment} {report.backend} · {when}"


def _verdict(report: ConformanceReport) -> str:
    word = "通过 passed" if report.outcome == "passed" else "未通过 failed"
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in ORDER)
    return f"{word}: {counts} · sha-256 {report_hash(report).hex()}"


def _lines(cases: tuple[CaseResult, ...]) -> Iterator[str]:
    for case in cases:
        yield f"{MARKS[case.outcome]} {case.id:<20} {case.title.zh} · {case.title.en}: {case.seen}"
        if case.advice is not None:
            yield f"    → {case.advice.zh}\n    → {case.advice.en}"


def _sorted(report: ConformanceReport) -> list[CaseResult]:
    return sorted(report.cases, key=lambda case: ORDER.index(case.outcome))


def _advice(case: CaseResult) -> str:
    return f"<p>→ {escape(case.advice.zh)}<br>→ {escape(case.advice.en)}</p>" if case.advice else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")
