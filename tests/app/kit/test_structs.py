"""Facts never change, are named field by field, and requests refuse what nobody knows."""

from typing import Any, cast

import msgspec
import pytest

from app.kit.structs import Model, Request, convert


class Fact(Model):
    optional: int = 1
    required: str  # type: ignore[misc] # mypy does not know that msgspec's subclasses are keyword-only here


class Ask(Request):
    number: int


def test_model_takes_named_fields_only() -> None:
    assert Fact(required="a").optional == 1
    with pytest.raises(TypeError):
        cast("Any", Fact)("a")


def test_model_never_changes() -> None:
    with pytest.raises(AttributeError):
        cast("Any", Fact(required="a")).required = "b"


def test_request_refuses_unknown_field() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.json.decode(b'{"number": 1, "admin": true}', type=Ask)


def test_convert_validates() -> None:
    with pytest.raises(msgspec.ValidationError):
        convert({"required": 5}, Fact)
