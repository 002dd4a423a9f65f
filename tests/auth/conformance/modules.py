"""Ties a test to the module of the OpenID Foundation's conformance suite whose behaviour it checks."""

from collections.abc import Callable
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])
TESTS: dict[str, str] = {}


def module(*names: str) -> Callable[[Test], Test]:
    """Notes that the test stands for these modules."""

    def mark(test: Test) -> Test:
        TESTS.update(dict.fromkeys(names, f"{test.__module__.rpartition('.')[2]}.{test.__name__}"))
        return test

    return mark
