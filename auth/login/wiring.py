"""Puts the ways in together, with what all of them share: codes, challenges, the lockout, and who may change them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from litestar import Router

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.jobs import Job
from auth.attempts import Lockout
from auth.devices.service import Devices
from auth.login import challenges
from auth.login.challenges import Challenges
from auth.login.citizens import CitizenSessions
from auth.login.otp import repository as otp_repository
from auth.login.otp import routes as otp_routes
from auth.login.otp.codes import OneTimeCodes
from auth.login.otp.service import OtpLogin
from auth.login.passkeys import routes as passkeys_routes
from auth.login.passkeys.ceremonies import Ceremonies
from auth.login.passkeys.naming import AccountNames
from auth.login.passkeys.service import Passkeys
from auth.login.passkeys.sign_in import PasskeyLogin
from auth.login.password import routes as password_routes
from auth.login.password.service import PasswordLogin
from auth.login.standing import Standing
from auth.login.step_up import routes as step_up_routes
from auth.login.step_up.service import StepUps
from auth.messages.service import Messages
from auth.officials.passwords import Passwords
from auth.officials.service import Officials
from auth.people.service import People
from auth.phones import routes as phones_routes
from auth.phones.counter import PhoneCounter
from auth.phones.service import Phones
from auth.sessions.service import Sessions
from auth.settings import AuthSettings
from auth.subject_keys.service import SubjectVault

CHALLENGE_SECONDS: Final = 300
SETTLE_EVERY_SECONDS: Final = 30


@dataclass(frozen=True, kw_only=True)
class LoginRooms:
    """The ways in, and what changes them."""

    lockout: Lockout
    standing: Standing
    codes: OneTimeCodes
    phones: Phones
    phone_counter: PhoneCounter
    otp: OtpLogin
    passkeys: Passkeys
    passkey_login: PasskeyLogin
    password_login: PasswordLogin
    step_ups: StepUps
    account_names: AccountNames

    @property
    def injected(self) -> dict[str, Any]:
        """What the handlers ask for by name."""
        return {
            "otp": self.otp,
            "phones": self.phones,
            "phone_counter": self.phone_counter,
            "passkeys": self.passkeys,
            "passkey_login": self.passkey_login,
            "password_login": self.password_login,
            "step_ups": self.step_ups,
            "account_names": self.account_names,
        }


def build_login(
    floor: Floor,
    settings: AuthSettings,
    *,
    people: People,
    sessions: Sessions,
    devices: Devices,
    officials: Officials,
    passwords: Passwords,
    messages: Messages,
    subject_vault: SubjectVault,
) -> LoginRooms:
    """The ways in, on the services of identity."""
    vault, clock = floor.vault, floor.clock
    lockout = Lockout(vault, clock, settings)
    standing = Standing(people=people, devices=devices, clock=clock)
    made = Challenges(clock, seconds=CHALLENGE_SECONDS)
    citizens = CitizenSessions(sessions=sessions, people=people, clock=clock, settings=settings)
    codes = OneTimeCodes(
        people=people, lockout=lockout, outbox=floor.outbox, vault=vault, clock=clock, settings=settings
    )
    phones = Phones(
        codes=codes,
        standing=standing,
        sessions=sessions,
        devices=devices,
        messages=messages,
        subject_vault=subject_vault,
        clock=clock,
        settings=settings,
    )
    passkeys = Passkeys(
        challenges=made,
        ceremonies=Ceremonies(settings.issuer, brand=settings.brand.zh, app_origins=settings.passkey_app_origins),
        standing=standing,
        lockout=lockout,
        messages=messages,
        vault=vault,
        subject_vault=subject_vault,
        clock=clock,
        settings=settings,
    )
    return LoginRooms(
        lockout=lockout,
        standing=standing,
        codes=codes,
        phones=phones,
        phone_counter=PhoneCounter(phones=phones, codes=codes),
        otp=OtpLogin(codes=codes, standing=standing, people=people, phones=phones, devices=devices, citizens=citizens),
        passkeys=passkeys,
        passkey_login=PasskeyLogin(passkeys=passkeys, people=people, devices=devices, citizens=citizens),
        password_login=PasswordLogin(
            database=floor.database,
            officials=officials,
            sessions=sessions,
            passwords=passwords,
            passkeys=passkeys,
            lockout=lockout,
            vault=vault,
            clock=clock,
            settings=settings,
        ),
        step_ups=StepUps(
            sessions=sessions,
            people=people,
            phones=phones,
            devices=devices,
            officials=officials,
            codes=codes,
            challenges=made,
            passkeys=passkeys,
            lockout=lockout,
            clock=clock,
            issuer=settings.issuer,
        ),
        account_names=AccountNames(people=people, officials=officials, brand=settings.brand),
    )


def routers() -> list[Router]:
    """Every route of the ways in."""
    return [
        otp_routes.router,
        password_routes.router,
        passkeys_routes.router,
        step_up_routes.router,
        phones_routes.router,
    ]


def jobs(floor: Floor, rooms: LoginRooms) -> list[Job]:
    """Numbers whose wait is over are attached."""

    async def settle() -> None:
        async with floor.database.transaction() as connection:
            await rooms.phones.settle(connection)

    return [Job(name="auth.phone_changes", every_seconds=SETTLE_EVERY_SECONDS, run=settle)]


async def forget(connection: Connection, now: datetime, keep: timedelta) -> None:
    """Deletes codes and challenges that are over; part of a periodic job."""
    await otp_repository.delete_expired(connection, now - keep)
    await challenges.delete_expired_challenges(connection, now)
