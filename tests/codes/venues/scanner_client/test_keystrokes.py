"""What guns type becomes the code again; what is no code does not become one."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.envelope import base45
from codes.venues.scanner_client.keystrokes import ALPHANUMERIC, LONGEST_TYPED, normalise
from codes.verdict import Reason
from tests.codes.signed import a_personal_code, as_text, verdict_on
from tests.codes.venues.scanner_client.keyboard import COMPUTERS, FILE, GUNS, Computer, Gun, vectors

VECTORS = msgspec.json.decode(FILE.read_bytes())["vectors"]
CODE = a_personal_code()
guns = st.sampled_from(list(GUNS.values()))
computers = st.sampled_from(list(COMPUTERS.values()))


def test_the_file_is_what_the_keyboard_makes() -> None:
    assert list(vectors()) == VECTORS
    assert len(VECTORS) == 3 * len(GUNS) * len(COMPUTERS)


def test_every_recorded_keystroke_becomes_its_code() -> None:
    assert [vector for vector in VECTORS if normalise(vector["typed"]) != vector["code"]] == []
    assert sum(vector["typed"] != vector["code"] for vector in VECTORS) > 130, "or the file proves nothing"


@given(st.binary(min_size=1, max_size=300), guns, computers)
def test_any_code_survives_any_gun_at_any_computer(data: bytes, gun: Gun, computer: Computer) -> None:
    code = as_text(data)
    assert normalise(gun.types(code, computer)) == code


@given(st.binary(min_size=1, max_size=300))
def test_no_code_ends_with_a_blank_that_stripping_could_eat(data: bytes) -> None:
    assert not base45.encode(data).endswith(" ")


@given(st.text(max_size=60) | st.text(alphabet="]qQ1 :：。$￥\r\u3000sSmM", max_size=12))
def test_twice_is_as_good_as_once(typed: str) -> None:
    assert normalise(normalise(typed)) == normalise(typed)


@given(st.integers(min_value=0, max_value=len(CODE) - 1), st.sampled_from(sorted(ALPHANUMERIC)), guns, computers)
def test_a_bent_code_is_refused_as_if_it_had_not_been_typed(
    place: int, sign: str, gun: Gun, computer: Computer
) -> None:
    bent = CODE[:place] + sign + CODE[place + 1 :]
    seen = verdict_on(normalise(gun.types(bent, computer))).reason
    if bent.endswith(" "):
        assert seen is not Reason.OK
    else:
        assert seen is verdict_on(bent).reason


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "\r\n",
        "]Q1",
        CODE.replace("SSM1:", "SSM1Ö"),  # a German keyboard: nobody guesses which of two signs was meant
        CODE.replace(":", ";", 1),  # shift was lost
        CODE.replace(":", " "),
        CODE[:100] + "\r" + CODE[100:],  # typed in two pieces
        f"{CODE}\r{CODE}",
        f"{CODE} {CODE}",
        f"]Q1]Q1{CODE}",
        f"x{CODE}",
        CODE[:-1],
        CODE[1:],
        CODE.replace("S", "\u017f", 1),  # Unicode would make an S of this
        CODE.replace("1", "\u00b9", 1),
        CODE.replace("1", "\u0661", 1),
        "\u200b" + CODE,
        f"https://pay.example/?code={CODE}",
    ],
)
def test_what_no_gun_does_is_not_repaired(typed: str) -> None:
    assert verdict_on(normalise(typed)).reason is not Reason.OK


def test_the_verifier_repairs_nothing_itself() -> None:
    for spoilt in (CODE.lower(), f"{CODE}\r", f" {CODE}", f"{CODE} ", CODE.replace(":", "：", 1), f"]Q1{CODE}"):
        assert verdict_on(spoilt).reason is not Reason.OK
        assert verdict_on(normalise(spoilt)).reason is Reason.OK


def test_an_endless_text_goes_on_unread() -> None:
    endless = "s" * (LONGEST_TYPED + 1)
    assert normalise(endless) is endless
    assert verdict_on(endless.upper()).reason is Reason.TOO_LARGE
