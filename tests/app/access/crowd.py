"""Everybody who stands before every route: the owners of all things, and their like who own none of them."""

import base64
import itertools
from dataclasses import dataclass
from typing import Any, Final, get_args

import httpx

from app.demo.caller import Caller
from app.demo.registries import ENTERPRISES, RESIDENTS, SECOND_CITIZEN
from app.demo.scanner import ScannerProgram
from app.staffing import appoint
from auth.documents import make_synthetic_credit_code
from auth.officials.models import Role
from auth.officials.totp import code_at
from tests.app.access.table import OFFICIAL, ORGANIZATION, PERSON, RESPONSIBLE, SCANNER, Access
from tests.fixtures.inhabited import LIBRARY_ENTRY, InboxPhone, Inhabited

NEIGHBOUR, NEIGHBOURS_PHONE, BOOKSELLERS_PHONE = RESIDENTS[3], "19900007741", "19900007742"
BOOKSHOP = ENTERPRISES[1]
OTHER_DEPARTMENT: Final = make_synthetic_credit_code(sequence=202)
ANY_ROLE: Final = "reviewer"
ANONYMOUS: Final = "anonymous"
OWNER: Final = "owner"


@dataclass(frozen=True, kw_only=True)
class Column:
    """Somebody at the door. A colleague works in the office that owns the things, in another role."""

    name: str
    kind: str
    caller: Caller | ScannerProgram
    roles: tuple[str, ...] = ()
    colleague: bool = False


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A request before anybody sends it."""

    method: str
    target: str
    content: bytes
    headers: dict[str, str]


class Crowd:
    """Owners and strangers; nobody's right is anybody else's."""

    def __init__(self, people: Inhabited) -> None:
        self.people = people
        self.home = dict(people.callers)
        self.away: dict[str, Caller] = {}
        self.neighbour = InboxPhone(people.http, people.house)
        self.bookshop = Caller(people.http)
        self.other_scanner = ScannerProgram(people.http, "西门一号")
        self._colleagues = itertools.cycle(get_args(Role))  # each route meets another one

    async def arrive(self) -> None:
        """Signs everybody in, over HTTP."""
        await self.neighbour.sign_in(NEIGHBOURS_PHONE)
        await self.neighbour.prove_name(NEIGHBOUR)
        bookseller = InboxPhone(self.people.http, self.people.house)
        await bookseller.sign_in(BOOKSELLERS_PHONE)
        await bookseller.prove_name(SECOND_CITIZEN)
        claimed = await bookseller.call("POST", "/v1/organizations", json={"credit_code": BOOKSHOP.credit_code})
        self.bookshop.proof_key = bookseller.proof_key
        self.bookshop.tokens = await bookseller.call("POST", f"/v1/organizations/{claimed['id']}/session")
        for role in get_args(Role):
            self.away[role] = await self._official(role)
        department = (await self.away["scanner_admin"].call("GET", "/v1/me"))["organization_id"]
        await self.other_scanner.enrol(self.away["scanner_admin"], department, "演示博物馆西门", [LIBRARY_ENTRY])

    def owner_of(self, access: Access) -> Column:
        """Who owns what this route names."""
        people, kind = self.people, access.owner
        owners: dict[str, Caller | ScannerProgram] = {
            PERSON: people.citizen,
            RESPONSIBLE: people.owner,
            ORGANIZATION: self.home["agent"],
            SCANNER: people.scanner,
        }
        role = _role_of(access)
        caller = self.home[role] if kind == OFFICIAL else owners.get(kind, people.citizen)
        return Column(name=OWNER, kind=kind, caller=caller, roles=(role,))

    def strangers_to(self, access: Access) -> list[Column]:
        """Everybody but the owner; of the owner's own office, somebody whose role the route does not name."""
        role, owner = _role_of(access), self.owner_of(access)
        columns = [
            Column(name="other citizen", kind=PERSON, caller=self.neighbour),
            Column(name="anonymous", kind=ANONYMOUS, caller=self.home["anonymous"]),
        ]
        if not access.is_open:
            columns += [
                Column(name="agent", kind=ORGANIZATION, caller=self.home["agent"]),
                Column(name="enterprise", kind=ORGANIZATION, caller=self.bookshop),
                Column(name="other department", kind=OFFICIAL, caller=self.away[role], roles=(role,)),
            ]
        if access.owner == SCANNER:
            columns.append(Column(name="other scanner", kind=SCANNER, caller=self.other_scanner))
        if access.roles:
            other = next(one for one in self._colleagues if one not in access.roles)
            columns.append(
                Column(
                    name=f"colleague, {other}", kind=OFFICIAL, caller=self.home[other], roles=(other,), colleague=True
                )
            )
        return [one for one in columns if one.caller is not owner.caller]

    async def leave(self) -> None:
        """Every owner signs out everywhere, and their scanner is withdrawn."""
        people = self.people
        await self.home["scanner_admin"].call("DELETE", f"/v1/scanners/{people.scanner.id}")
        for caller in [people.citizen, people.owner, *(self.home[role] for role in get_args(Role))]:
            await caller.call("DELETE", "/v1/me/sessions")

    async def _official(self, role: Role) -> Caller:
        house = self.people.house
        async with house.floor.database.transaction() as connection:
            made = await appoint(
                connection,
                house.packages.auth,
                username=f"other-{role.replace('_', '-')}",
                name="演示人员",
                roles=[role],
                department="演示市博物馆",
                credit_code=OTHER_DEPARTMENT,
            )
        totp = code_at(base64.b32decode(made.account.totp_secret), house.floor.clock.now())
        body = {"username": made.account.username, "password": made.password, "totp": totp}
        caller = Caller(self.people.http)
        caller.tokens = await caller.call("POST", "/v1/login/password/tokens", proven=True, json=body)
        return caller


async def send(column: Column, prepared: Prepared, http: httpx.AsyncClient) -> httpx.Response:
    """The request as this one sends it: with a token and its proof, with a signature, or with nothing."""
    method, target, content, headers = prepared.method, prepared.target, prepared.content, prepared.headers
    if isinstance(column.caller, ScannerProgram):
        signed: dict[str, Any] = column.caller.signed_headers(method, target, content)
        return await http.request(method, target, content=content, headers=headers | signed)
    caller = Caller(http)
    caller.proof_key, caller.tokens = column.caller.proof_key, column.caller.tokens
    return await caller.send(method, target, content=content, headers=headers)


def _role_of(access: Access) -> str:
    return access.roles[0] if access.roles else ANY_ROLE
