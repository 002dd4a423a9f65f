"""Strangers who type wrong passwords lock nobody out: whoever has the second factor is heard, and others are not."""

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.login.password.service import CODES_HERE_A_DAY
from auth.settings import AuthSettings
from tests.auth.login.test_guessing import StaffWallet, keeper, staff
from tests.auth.officials.test_officials import PASSWORD, Staff, admin
from tests.auth.phones import slug_of

__all__ = ["admin", "keeper", "staff"]


async def lock(staff: Staff) -> None:
    for _ in range(5):
        await staff.try_to_sign_in(password="wrong-password-1", totp="")
    assert slug_of(await staff.try_to_sign_in(totp="")) == "rate-limited"


async def test_who_has_everything_right_gets_in_though_others_guess(admin: Staff) -> None:
    await lock(admin)
    assert (await admin.try_to_sign_in()).status_code == 200


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


async def test_codes_are_guessed_a_few_times_and_a_passkey_is_heard_even_then(
    keeper: StaffWallet, clock: ManualClock
) -> None:
    await lock(keeper.staff)
    clock.advance(60)
    for _ in range(CODES_HERE_A_DAY):
        assert slug_of(await keeper.staff.try_to_sign_in(totp="000000")) == "rate-limited"
    assert slug_of(await keeper.staff.try_to_sign_in()) == "rate-limited"
    answer = await keeper.try_both()
    assert answer.status_code == 200, answer.text


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
