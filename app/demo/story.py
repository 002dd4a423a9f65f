"""Tells a person at a terminal what happens, step by step, with its time and its verdict; knows nothing of the city."""

import contextlib
import time
from collections.abc import Callable, Iterator


class StepFailed(Exception):
    """A step did not end as it must; the text says what was seen instead."""


class Step:
    """One line of the story."""

    def __init__(self) -> None:
        self.verdict = "OK"

    def saw(self, verdict: object) -> None:
        """What this step ended with, for the reader."""
        self.verdict = str(verdict)

    def expect(self, seen: object, wanted: object, what: str = "") -> None:
        """Ends the story unless both are equal."""
        if seen != wanted:
            raise StepFailed(f"{what or 'result'}: expected {wanted!r}, saw {seen!r}")
        self.verdict = str(wanted)


class Story:
    """Counts steps; the whole story holds only if each did."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self.steps = 0

    def chapter(self, zh: str, en: str) -> None:
        """A heading."""
        self._tell(f"\n{zh}  {en}")

    @contextlib.contextmanager
    def step(self, zh: str, en: str) -> Iterator[Step]:
        """One step: prints it with its time when it ended, and what went wrong when it did not."""
        step, begin = Step(), time.perf_counter()
        try:
            yield step
        except Exception as error:
            self._line("✗", zh, en, begin, f"{type(error).__name__}: {error}")
            raise
        self.steps += 1
        self._line("✓", zh, en, begin, step.verdict)

    def _line(self, mark: str, zh: str, en: str, begin: float, verdict: str) -> None:
        spent = (time.perf_counter() - begin) * 1000
        self._tell(f"  {mark} {spent:6.0f} ms  {zh} · {en}\n{'':15}{verdict}")
