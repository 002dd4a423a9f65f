"""How a citizen proves themself to a browser on the way to a client: by a code, by a phone that scans, by a passkey.

Each way's own rules, counts and lockouts are its room's; here it is only bound to one request in one browser. A success
gives the browser a new session, whatever it held before.
"""

import msgspec

from app.kit.database import Connection
from app.kit.errors import RateLimited, SuishenError
from app.kit.structs import Model
from auth.assurance import ONE_TIME_CODE, PHONE_ONLY
from auth.browser.service import BrowserSessions
from auth.login.otp.errors import CodeRefused
from auth.login.otp.models import ProvedPhone, RedeemCode
from auth.login.otp.service import OtpLogin
from auth.login.passkeys.errors import PasskeyRefused
from auth.login.passkeys.models import Assertion, PasskeyRequest
from auth.login.passkeys.service import Passkeys
from auth.login.passkeys.sign_in import PasskeyLogin
from auth.login.proof import Proved
from auth.login.scan.errors import NumberRefused
from auth.login.scan.models import BeginScan, OpenScan, ProvedScan
from auth.login.scan.service import ScanLogin
from auth.login.upstream.links import Links
from auth.login.upstream.models import Arrival
from auth.login.upstream.network import NetworkLogin
from auth.people.service import People
from auth.phones.models import DisownAccount
from auth.phones.service import Phones
from auth.provider.authorize import repository
from auth.provider.authorize.service import Visit
from auth.sessions.models import Session


class Browser(Model):
    """What a browser brought along with a form."""

    session: Session | None
    """Whoever was signed in before."""
    agent: str
    address: str
    scan_cookie: str | None


class SigningIn:
    """Lets a citizen prove themself. Every method is one request's transaction; refusals are returned."""

    def __init__(
        self,
        *,
        browser_sessions: BrowserSessions,
        otp: OtpLogin,
        scan_login: ScanLogin,
        passkeys: Passkeys,
        passkey_login: PasskeyLogin,
        phones: Phones,
        people: People,
        links: Links,
        network: NetworkLogin,
    ) -> None:
        self._browser_sessions = browser_sessions
        self._otp = otp
        self._scan_login = scan_login
        self._passkeys = passkeys
        self._passkey_login = passkey_login
        self._phones = phones
        self._people = people
        self._links = links
        self._network = network

    async def ask_for_code(
        self, connection: Connection, visit: Visit, phone: str, *, address: str
    ) -> RateLimited | None:
        """Sends a one-time code, or says why not. Raises `PhoneInvalid`."""
        challenge = await self._otp.request_code(connection, phone, address=address)
        if isinstance(challenge, RateLimited):
            return challenge
        await repository.mark_challenged(connection, visit.request.id, challenge.challenge_id)
        return None

    async def ask_to_disown(
        self, connection: Connection, visit: Visit, phone: str, *, address: str
    ) -> RateLimited | None:
        """Sends a code that takes a number from an account that is not its holder's. Raises `PhoneInvalid`."""
        challenge = await self._phones.send_disowning_code(connection, phone, address=address)
        if isinstance(challenge, RateLimited):
            return challenge
        await repository.mark_challenged(connection, visit.request.id, challenge.challenge_id, disowning=True)
        return None

    async def _free(self, connection: Connection, visit: Visit, code: str, browser: Browser) -> Session | SuishenError:
        """The number opens nobody's account any more: whoever holds it goes on as somebody of their own."""
        assert visit.request.otp_challenge_id is not None
        request = DisownAccount(challenge_id=visit.request.otp_challenge_id, code=code)
        freed = await self._phones.free(connection, request, address=browser.address)
        if isinstance(freed, SuishenError):
            return freed
        person = await self._people.find_or_register(connection, freed.phone)
        proved = Proved(
            person_id=person.id,
            ial=PHONE_ONLY,
            aal=ONE_TIME_CODE,
            method="otp",
            phone_index=self._people.phone_index(freed.phone),
        )
        return await self._open(connection, visit, proved, browser)

    async def start_over(self, connection: Connection, visit: Visit) -> None:
        """Another phone is to be named, or another way taken."""
        await repository.mark_challenged(connection, visit.request.id, None)

    async def show_code(
        self, connection: Connection, visit: Visit, code: str, browser: Browser, *, account: int | None = None
    ) -> Session | SuishenError:
        """A session for whom the phone opens; where several people share it, for the one whom `account` names."""
        if visit.request.otp_challenge_id is None:
            return CodeRefused()
        if visit.request.disowning:
            return await self._free(connection, visit, code, browser)
        shown = RedeemCode(challenge_id=visit.request.otp_challenge_id, code=code, account=account)
        proved = await self._otp.prove_code(connection, shown, jkt=None, address=browser.address)
        if not isinstance(proved, ProvedPhone):
            return proved
        return await self._open(connection, visit, proved, browser)

    async def begin_scan(self, connection: Connection, visit: Visit, browser: Browser) -> OpenScan | RateLimited:
        """A picture for a phone to scan, and the cookie without which it is worth nothing."""
        begin = BeginScan(place=visit.client.name, agent=browser.agent, address=browser.address)
        opened = await self._scan_login.begin(connection, begin)
        if isinstance(opened, OpenScan):
            await repository.mark_scanning(connection, visit.request.id, opened.id)
        return opened

    async def find_picture(self, connection: Connection, visit: Visit, cookie: str | None) -> str | None:
        """What the picture says that was begun for this request in this browser, while it may still be scanned."""
        scan_id = visit.request.scan_login_id
        return None if scan_id is None else await self._scan_login.find_picture(connection, scan_id, cookie)

    async def show_number(
        self, connection: Connection, visit: Visit, number: str, browser: Browser
    ) -> Session | NumberRefused | RateLimited:
        """A session for whom the phone vouches that scanned; it ends with that phone's own."""
        if visit.request.scan_login_id is None:
            return NumberRefused()
        proved = await self._scan_login.prove_number(
            connection, visit.request.scan_login_id, browser.scan_cookie, number, address=browser.address
        )
        if not isinstance(proved, ProvedScan):
            return proved
        return await self._open(connection, visit, proved, browser)

    async def ask_for_passkey(self, connection: Connection, browser: Browser) -> PasskeyRequest | RateLimited:
        """What an authenticator is to sign, once and within minutes."""
        return await self._passkeys.ask(connection, address=browser.address)

    async def show_passkey(
        self, connection: Connection, visit: Visit, credential: str, browser: Browser
    ) -> Session | PasskeyRefused | RateLimited:
        """A session for the citizen whose authenticator answered."""
        try:
            answer = msgspec.json.decode(credential, type=Assertion)
        except msgspec.DecodeError:
            return PasskeyRefused()
        proved = await self._passkey_login.prove(connection, answer, jkt=None, address=browser.address)
        if not isinstance(proved, Proved):
            return proved
        return await self._open(connection, visit, proved, browser)

    async def find_network_picture(self, connection: Connection, visit: Visit, cookie: str | None) -> str | None:
        """What the picture says that the national app is to scan, in the browser that asked for it."""
        attempt_id = visit.request.network_attempt_id
        if attempt_id is None or cookie is None:
            return None
        return await self._network.find_picture(connection, attempt_id, cookie)

    async def show_arrival(
        self, connection: Connection, visit: Visit, arrival: Arrival, browser: Browser
    ) -> Session | SuishenError:
        """A session for whom another house vouches for."""
        proved = await self._links.arrive(connection, arrival)
        return await self._open(connection, visit, proved, browser) if isinstance(proved, Proved) else proved

    async def _open(self, connection: Connection, visit: Visit, proof: Proved, browser: Browser) -> Session:
        session = await self._browser_sessions.open(connection, proof, before=browser.session, agent=browser.agent)
        await repository.mark_signed_in(connection, visit.request.id, session.id)
        return session
