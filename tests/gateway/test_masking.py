"""Each route is compiled with its masks, and asked for an answer that can be masked."""

from typing import Any

import pytest

from gateway.masking import ask_plainly
from gateway.snapshot import Branch, NotCompilable, compile_app
from tests.gateway.publications import published


def test_ask_plainly_asks_for_the_whole_and_unencoded() -> None:
    headers = {"accept": "*/*", "accept-encoding": "gzip", "range": "bytes=0-1", "if-range": "x"}
    assert ask_plainly(headers) == {"accept": "*/*", "accept-encoding": "identity"}


def masking(path: str, pointer: str = "/name") -> dict[str, Any]:
    return {"method": "GET", "path": path, "pointer": pointer, "rule": "name"}


def test_compile_gives_each_route_its_masks() -> None:
    app = compile_app(
        published(
            data={"masking": [masking("/books/{book_id}", "/a"), masking("/books/{book_id}", "/b/*")]}, backend=LIVE
        )
    )
    assert isinstance(app.routes, Branch)
    book, books = app.routes.find(("books", "1")), app.routes.find(("books",))
    assert book is not None
    assert books is not None
    assert [each.pointer for each in book.routes["GET"].masks] == [("a",), ("b", "*")]
    assert books.routes["GET"].masks == ()


LIVE = {
    "base_url": {"live": "http://127.0.0.1:9101"},
    "routes": [
        {"method": "GET", "path": "/books"},
        {"method": "GET", "path": "/books/{book_id}"},
        {"method": "GET", "path": "/stream", "body": "streamed"},
    ],
}


@pytest.mark.parametrize(("path", "reason"), [("/nothing", "masking-without-route"), ("/stream", "masking-on-stream")])
def test_compile_refuses_masks_that_would_hide_nothing(path: str, reason: str) -> None:
    with pytest.raises(NotCompilable, match=reason):
        compile_app(published(data={"masking": [masking(path)]}, backend=LIVE))
