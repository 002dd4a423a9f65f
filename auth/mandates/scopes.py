"""A mandate's scope as the `scope` of a token (RFC 6749, section 3.3), so that a route closes without a question.

What a token says was true when it was made; whoever needs to know what is true now asks `engine.py`. Pure.
"""

from collections.abc import Collection, Iterator
from typing import Final, Literal

from auth.mandates.models import Scope

ANY: Final = "*"


def scopes_of(speaks_for: Literal["organization", "delegate"], scope: Scope) -> frozenset[str]:
    """What a token for somebody's agent says: `organization item:* app:cn.example.library scenario:*`."""
    return frozenset(
        {
            speaks_for,
            *_named("item", scope.items),
            *_named("scenario", scope.scenarios),
            *_named("app", scope.apps),
        }
    )


def may_do_item(scopes: Collection[str], item: str) -> bool:
    """Whether a token with these scopes is for this item of business."""
    return f"item:{ANY}" in scopes or f"item:{item}" in scopes


def _named(word: str, names: Collection[str | int] | None) -> Iterator[str]:
    if names is None:
        yield f"{word}:{ANY}"
        return
    for name in names:
        yield f"{word}:{name}"
