"""Proving more, or once more, on the way to a client (RFC 9470): who is asked, by which ways, and what is kept."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.provider.authorize.models import (
    AuthorizationRequest,
    Facts,
    Step,
    Way,
    needs_proof,
    next_step,
    ways_that_help,
)
from auth.sessions.models import Session
from tests.auth.provider.city import Browser, Department, read_claims

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LEVELS = st.tuples(st.integers(1, 3), st.integers(1, 3))
ALL_WAYS = frozenset(Way)
REQUEST = AuthorizationRequest(redirect_uri="https://x.example/cb", scopes=frozenset({"openid"}), code_challenge="c")


def session_of(ial: int, aal: int) -> Session:
    return Session(
        id=UUID(int=1),
        subject_type="person",
        subject_id=UUID(int=2),
        holder_id=UUID(int=2),
        client_id="city-browser",
        scopes=frozenset(),
        ial=ial,
        aal=aal,
        method="otp",
        refresh_hash=b"",
        rotated_at=NOW,
        authenticated_at=NOW,
        created_at=NOW,
        idle_seconds=60,
        idle_expires_at=NOW,
        expires_at=NOW,
    )


def facts_of(session: Session | None, **changes: Any) -> Facts:
    usual: dict[str, Any] = {"fresh": False, "sub": None, "must_ask": False, "consented": False, "ways": ALL_WAYS}
    return Facts(session=session, **(usual | changes))


def acr(levels: tuple[int, int]) -> str:
    return f"ial{levels[0]}.aal{levels[1]}"


@given(have=LEVELS, wanted=st.lists(LEVELS, max_size=3), known=st.integers(1, 3), ways=st.sets(st.sampled_from(Way)))
def test_a_code_is_given_only_to_who_is_as_sure_as_asked(
    have: tuple[int, int], wanted: list[tuple[int, int]], known: int, ways: set[Way]
) -> None:
    request = replace(REQUEST, acr_values=tuple(map(acr, wanted)))
    facts = facts_of(session_of(*have), identity_level=known, ways=frozenset(ways))
    step = next_step(request, facts, NOW)
    met = not wanted or any(have[0] >= ial and have[1] >= aal for ial, aal in wanted)
    assert (step is Step.GRANT) is met
    assert step in ({Step.GRANT} if met else {Step.CONFIRM, Step.UNMET})
    # Nobody is asked for what cannot help, and whoever can help themself is asked.
    assert (step is Step.CONFIRM) is (not met and bool(ways_that_help(request, facts)))


@given(have=LEVELS, wanted=LEVELS, known=st.integers(1, 3), ways=st.sets(st.sampled_from(Way)), unproven=st.booleans())
def test_whether_more_is_to_be_proved_does_not_hang_on_how_it_could_be(
    *, have: tuple[int, int], wanted: tuple[int, int], known: int, ways: set[Way], unproven: bool
) -> None:
    """Which is why nobody's passkeys and devices are looked up before something is to be proved."""
    request, session = replace(REQUEST, acr_values=(acr(wanted),)), replace(session_of(*have), unproven=unproven)
    facts = facts_of(session, identity_level=known, ways=frozenset(ways))
    needed = needs_proof(request, facts_of(session), NOW)
    assert needed is needs_proof(request, facts, NOW)
    assert needed is (next_step(request, facts, NOW) is not Step.GRANT)


@given(wanted=LEVELS)
def test_a_stranger_is_shown_only_ways_that_could_be_enough(wanted: tuple[int, int]) -> None:
    ways = ways_that_help(replace(REQUEST, acr_values=(acr(wanted),)), facts_of(None))
    assert (Way.CODE in ways) is (wanted == (1, 1))
    assert (Way.SCAN in ways) is (wanted[1] == 1)
    assert Way.PASSKEY in ways


def test_silence_is_kept() -> None:
    request = replace(REQUEST, acr_values=("ial1.aal2",), prompts=frozenset({"none"}))
    assert next_step(request, facts_of(session_of(1, 1)), NOW) is Step.LOGIN_REQUIRED
    without = facts_of(session_of(1, 1), ways=frozenset({Way.CODE}))
    assert next_step(request, without, NOW) is Step.UNMET


async def test_what_means_nothing_here_is_not_in_the_way(library: Department, browser: Browser) -> None:
    for values in ("urn:mace:incommon:iap:silver", "1 2", "ial9.aal9", "ial1.aal1 unknown"):
        assert "code" in await browser.arrive(await library.begin(acr_values=values))


async def test_whoever_cannot_prove_enough_is_told_so_by_name(library: Department, browser: Browser) -> None:
    await browser.arrive(await library.begin())
    await browser.open(await library.begin(acr_values="ial3.aal1"))  # of whom the city knows a phone
    assert browser.told()["error"] == "unmet_authentication_requirements"


async def test_a_code_is_not_offered_where_it_is_not_enough(library: Department, browser: Browser) -> None:
    page = await browser.open(await library.begin(acr_values="ial2.aal1"))
    assert "/scan" in page.text
    assert 'name="phone"' not in page.text


async def test_a_further_proof_leaves_other_clients_alone(
    library: Department, sports: Department, browser: Browser, clock: ManualClock, connection: Connection
) -> None:
    there = (await sports.redeem((await browser.arrive(await sports.begin()))["code"])).json()
    clock.advance(120)
    page = await browser.open(await library.begin(max_age="60"))
    assert "再次验证身份" in page.text
    assert "199****0021" in page.text
    await browser.sign_in()
    await browser.agree()
    here = (await library.redeem(browser.told()["code"])).json()
    assert read_claims(here["id_token"])["auth_time"] == int(clock.now().timestamp())
    assert (await sports.refresh(there["refresh_token"])).status_code == 200
    living = "select count(*) from auth.session where client_id = 'city-browser' and revoked_at is null"
    assert await connection.fetchval(living) == 1


async def test_signing_out_afterwards_still_reaches_every_client(
    library: Department, sports: Department, browser: Browser
) -> None:
    there = (await sports.redeem((await browser.arrive(await sports.begin()))["code"])).json()
    await browser.open(await library.begin(prompt="login"))
    await browser.sign_in()
    await browser.agree()
    await browser.open("/oauth/logout")
    await browser.submit("/oauth/logout", confirmed="yes")
    assert (await sports.refresh(there["refresh_token"])).json()["error"] == "invalid_grant"


async def test_another_person_at_this_browser_ends_what_was_begun_in_it(
    library: Department, sports: Department, browser: Browser
) -> None:
    there = (await sports.redeem((await browser.arrive(await sports.begin()))["code"])).json()
    await browser.open(await library.begin(prompt="select_account"))
    browser.number = "19900000022"
    await browser.sign_in()
    assert (await sports.refresh(there["refresh_token"])).json()["error"] == "invalid_grant"


async def test_what_was_known_in_this_browser_is_not_forgotten_by_a_code(
    library: Department, browser: Browser, connection: Connection, clock: ManualClock
) -> None:
    """A phone opens level 1 on an unseen device; a browser in which more was shown is none."""
    await browser.arrive(await library.begin())
    await connection.execute("update auth.session set ial = 2 where client_id = 'city-browser'")
    ends = await connection.fetchval("select expires_at from auth.session where client_id = 'city-browser'")
    clock.advance(120)
    await browser.open(await library.begin(max_age="60"))
    await browser.sign_in()
    id_token = (await library.redeem(browser.told()["code"])).json()["id_token"]
    assert read_claims(id_token)["acr"] == "ial2.aal1"
    living = "select expires_at from auth.session where client_id = 'city-browser' and revoked_at is null"
    assert await connection.fetchval(living) == ends  # and lasts no longer for it


async def test_who_shares_a_phone_says_who_they_are(
    library: Department, browser: Browser, connection: Connection
) -> None:
    await browser.arrive(await library.begin())
    browser.number = "19900000022"
    await browser.open(await library.begin(prompt="select_account"))
    await browser.sign_in()
    in_order = "select subject_id from auth.session where client_id = 'city-browser' order by id"
    first, second = [row["subject_id"] for row in await connection.fetch(in_order)]
    await connection.execute(
        "insert into auth.phone (phone_index, person_id, phone_sealed, attached_at)"
        " select phone_index, $2, phone_sealed, attached_at + interval '1 day' from auth.phone where person_id = $1",
        second,
        first,
    )
    await browser.open(await library.begin(prompt="select_account"))
    await browser.submit("/phone", phone=browser.number)
    page = await browser.submit("/code", code=await browser.read_code())
    assert page.status_code == 409
    assert page.text.count('type="radio"') == 2
    code = re.findall(r'value="([0-9]{6})"', page.text)[0]  # the same code still counts
    for odd in ("0", "1.0"):
        assert (await browser.submit("/code", code="x", account=odd)).status_code == 401
        await browser.open(str(browser.page.url.path).rpartition("/")[0])
    await browser.submit("/code", code=code, account="2")
    signed_in = "select subject_id from auth.session where client_id = 'city-browser' and revoked_at is null"
    assert await connection.fetchval(signed_in) == first
