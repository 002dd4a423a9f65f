"""Rows of identity: tokens and whole sign-ins, ours beside `oidc-provider` in memory, each server on one core.

Ours is durable: every token is a commit with fsync. A client proves itself anew for each request, by an assertion and a
DPoP proof; both are signed before the clock starts.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from bench.load import press, request_bytes
from bench.result import Row
from tests.interop.city import APP_ID, NUMBERS, Browser, City, running_city
from tests.interop.oracle import OracleBrowser, running_oracle
from tests.interop.party import ASSERTION_TYPE, Party, Registration

SECONDS = 5.0
MOST_A_SECOND = 2_000
CITIZENS = 24
CORE = 0
FORM = {"content-type": "application/x-www-form-urlencoded"}
ORACLE = "oidc-provider in memory, same run"


@dataclass(frozen=True, kw_only=True)
class Side:
    """A provider, a client of it, and the process that answers."""

    party: Party
    pid: int

    def cpu_seconds(self) -> float:
        """What the process has used of its core so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rows() -> list[Row]:
    """Client credentials, refresh and sign-in."""
    oracle_pids: list[int] = []
    with running_city(workers=1) as city:
        asyncio.run(city.publish())
        (worker,) = city.server.workers()
        with running_oracle(city.ear.address, pin=oracle_pids.append) as oracle:
            pin([worker, *oracle_pids])
            us = Registration(client_id=APP_ID, key=city.key, redirect_uri=city.redirect_uri, bye_uri=city.bye_uri)
            with Party(city.issuer, us, Browser(city.issuer)) as party:
                ours, theirs = Side(party=party, pid=worker), Side(party=oracle, pid=oracle_pids[0])
                return [
                    token_row("client credentials", ours, theirs, lambda _party: {"grant_type": "client_credentials"}),
                    token_row("refresh by a client", ours, theirs, refresh_form),
                    sign_in_row(city, us, oracle),
                ]


def refresh_form(party: Party) -> dict[str, str]:
    """The same token each time: neither side rotates it for such a client."""
    return {"grant_type": "refresh_token", "refresh_token": party.sign_in()["refresh_token"]}


def token_row(name: str, ours: Side, theirs: Side, form_of: Callable[[Party], dict[str, str]]) -> Row:
    """One grant at both, with what was signed in advance."""
    rates, costs = [], []
    for side in (ours, theirs):
        form, port = form_of(side.party), urlsplit(side.party.issuer).port or 0
        prepared = [proven(side.party, form) for _ in range(int(SECONDS * MOST_A_SECOND))]
        before = side.cpu_seconds()
        outcome = asyncio.run(press(port, iter(prepared), seconds=SECONDS))
        assert outcome.all_ok, outcome.statuses
        rates.append(outcome.rate)
        costs.append((side.cpu_seconds() - before) / sum(outcome.statuses.values()) * 1000)
    return Row(
        row=name,
        unit="1/s",
        ours=rates[0],
        limit=rates[1],
        limit_is=ORACLE,
        promise=600,
        promise_is="value",
        note=f"private_key_jwt and DPoP; {costs[0]:.2f} ms of the core a request, theirs {costs[1]:.2f} ms",
    )


def proven(party: Party, form: dict[str, str]) -> bytes:
    """A request to the token endpoint as it goes over the wire."""
    url = party.metadata["token_endpoint"]
    parts = urlsplit(url)
    assertion = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": party.assertion()}
    body = urlencode(form | assertion).encode()
    return request_bytes("POST", parts.path, parts.netloc, FORM | {"dpop": party.proof("POST", url)}, body)


def sign_in_row(city: City, us: Registration, oracle: Party) -> Row:
    """Citizens who were never here: request, phone, one-time code, consent, code, tokens. Theirs without a phone."""

    def newcomers() -> Generator[Party]:
        browser = Browser(city.issuer)
        with Party(city.issuer, us, browser) as party:
            while True:
                browser.http.cookies.clear()
                browser.phone = f"199{next(NUMBERS):08}"
                yield party

    def theirs() -> Generator[Party]:
        browser = OracleBrowser(oracle.issuer)
        them = Registration(
            client_id=oracle.client_id, key=oracle.key, redirect_uri=oracle.redirect_uri, bye_uri=oracle.bye_uri
        )
        with Party(oracle.issuer, them, browser) as party:
            while True:
                browser.http.cookies.clear()
                yield party

    return Row(
        row="one-time code, whole flow",
        unit="1/s",
        ours=rate_of(newcomers),
        limit=rate_of(theirs),
        limit_is=f"{ORACLE}, without codes",
        promise=40,
        promise_is="value",
        note=f"{CITIZENS} citizens at once; the load itself is Python, and reads each code in the inbox",
    )


def rate_of(visits: Callable[[], Generator[Party]]) -> float:
    """Whole sign-ins a second; one thread a citizen, all of them ready before the clock starts."""
    counts, ready = [0] * CITIZENS, threading.Barrier(CITIZENS + 1)

    def sign_in_for_ever(number: int) -> None:
        parties = visits()
        party = next(parties)
        ready.wait()
        deadline = time.perf_counter() + SECONDS
        while time.perf_counter() < deadline:
            party.sign_in()
            counts[number] += 1
            party = next(parties)
        parties.close()

    threads = [threading.Thread(target=sign_in_for_ever, args=(number,)) for number in range(CITIZENS)]
    for thread in threads:
        thread.start()
    ready.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begin)


def pin(pids: list[int]) -> None:
    """These processes and their threads, on one core; where the machine has but one, nothing."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        for task in (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()):
            os.sched_setaffinity(int(task.name), {CORE})
