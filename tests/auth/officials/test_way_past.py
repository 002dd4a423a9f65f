"""Strangers who type wrong passwords lock nobody out: whoever has the second factor is heard, and others are not."""

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.settings import AuthSettings
from tests.auth.officials.test_officials import PASSWORD, Staff, admin
from tests.auth.phones import slug_of

__all__ = ["admin"]


async def lock(staff: Staff) -> None:
    for _ in range(5):
        await staff.try_to_sign_in(password="wrong-password-1", totp="")
    assert slug_of(await staff.try_to_sign_in(totp="")) == "rate-limited"


async def test_who_has_everything_right_gets_in_though_others_guess(admin: Staff) -> None:
    await lock(admin)
    await admin.sign_in()


async def test_a_success_begins_the_count_anew(admin: Staff, clock: ManualClock) -> None:
    await lock(admin)
    await admin.sign_in()
    clock.advance(30)
    assert slug_of(await admin.try_to_sign_in(password="wrong-password-1")) == "password-refused"


@pytest.mark.parametrize("totp", ["", "000000"])
async def test_who_lacks_the_second_factor_waits_even_with_the_password(admin: Staff, totp: str) -> None:
    await lock(admin)
    assert slug_of(await admin.try_to_sign_in(password=PASSWORD, totp=totp)) == "rate-limited"


async def test_a_right_code_is_not_told_from_a_wrong_one(admin: Staff) -> None:
    await lock(admin)
    right = await admin.try_to_sign_in(password="wrong-password-1")
    wrong = await admin.try_to_sign_in(password="wrong-password-1", totp="000000")
    assert (right.status_code, right.text) == (wrong.status_code, wrong.text) == (429, right.text)


async def test_whoever_holds_the_authenticator_guesses_passwords_a_few_times_a_day(
    admin: Staff, clock: ManualClock, auth_settings: AuthSettings
) -> None:
    for _ in range(auth_settings.otp_wrong_limit):
        clock.advance(60)
        await admin.try_to_sign_in(password="wrong-password-1")
    clock.advance(1000)
    assert slug_of(await admin.try_to_sign_in()) == "rate-limited"
    clock.advance(86_400)
    await admin.sign_in()


async def test_an_auditor_sees_at_whose_account_somebody_guessed_and_what_was_wrong(
    admin: Staff, connection: Connection, clock: ManualClock
) -> None:
    await admin.try_to_sign_in(password="wrong-password-1")
    clock.advance(30)
    await admin.try_to_sign_in(totp="000000")
    await admin.try_to_sign_in(username="nobody")
    rows = await connection.fetch(
        "select subject, detail from kit.audit_entry where action = 'login.password_refused' order by id"
    )
    known = f"official:{admin.account.id}"
    assert [(row["subject"], row["detail"]["wrong"]) for row in rows] == [
        (known, "password"),
        (known, "second_factor"),
        ("official:unknown", "account"),
    ]
