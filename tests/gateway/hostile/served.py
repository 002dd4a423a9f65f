"""The gateway behind a real granian, before a department of bare sockets, for bytes that no honest client would send.

`python -m tests.gateway.hostile.served PORT`. The city's own side answers everything on every other host, and says at
`/received` what both sides read, byte for byte.
"""

import sys
from typing import Any

import msgspec

from app.kit.clock import SystemClock
from app.kit.database import Database, Notifications
from app.kit.floor import Floor
from app.kit.ids import new_id
from app.kit.keyring import PROFILE_ES256, Keyring, SigningKey, kid_of, new_private_key
from app.kit.outbox import Outbox
from app.kit.vault import Vault
from app.serve import run_granian
from gateway.admission import Admission
from gateway.asgi import Scope
from gateway.limits.models import Limit
from gateway.policy import Decision
from gateway.trace import Trace
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.harness import Harness, gateway
from tests.gateway.publications import ROUTES, published
from tests.gateway.servers import plain_answer

HEADER_SECONDS = 1.0
PLENTY = Limit(requests=1_000_000, per_seconds=1, burst=1_000_000)
DEEP = [
    {"method": method, "path": "/deep" + "/{%s}" * depth % tuple("abcdef"[:depth]), "min_ial": 0}
    for depth in range(1, 7)
    for method in ("GET", "DELETE")
]


def memory_floor() -> Floor:
    """A floor whose keys are made on the spot; nobody here asks the database for anything."""
    clock, vault, nowhere = SystemClock(), Vault(bytes(range(32))), "postgresql://nobody@127.0.0.1:1/nowhere"
    database = Database(nowhere)
    keyring = Keyring(database, vault, clock)
    keyring._keys = {purpose: _one_key(purpose, clock) for purpose in ("assertion", "gateway")}
    outbox = Outbox(database, vault, clock)
    return Floor(
        database=database,
        notifications=Notifications(nowhere),
        clock=clock,
        vault=vault,
        keyring=keyring,
        outbox=outbox,
    )


def _one_key(purpose: str, clock: SystemClock) -> dict[str, SigningKey]:
    private = new_private_key(PROFILE_ES256)
    key = SigningKey(
        kid=kid_of(private.public_key()),
        purpose=purpose,
        profile=PROFILE_ES256,
        state="active",
        not_before=clock.now(),
        not_after=None,
        public_key=private.public_key(),
        private_key=private,
    )
    return {key.kid: key}


class Watched(Admission):
    """Leaves in the scope what the policy decided about: method, path below the service, query."""

    async def decide(self, scope: Scope, trace: Trace) -> Decision:
        decision = await super().decide(scope, trace)
        match = decision.match
        scope["saw"] = f"{match.route.method} {match.app.base_path}{match.path}".encode() + b"?" + scope["query_string"]
        return decision


class Served:
    """The harness as an application of its own; `X-Saw` in its answers is what the policy saw."""

    def __init__(self) -> None:
        self._harness: Harness | None = None
        self._city: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            assert self._harness is not None

            async def send_and_tell(message: dict[str, Any]) -> None:
                if "saw" in scope and message["type"] == "http.response.start":
                    message = message | {"headers": [*message["headers"], (b"x-saw", scope["saw"])]}
                await send(message)

            await self._harness._app(scope, receive, send_and_tell)

    async def _live(self, receive: Any, send: Any) -> None:
        callers = KnownCallers()
        callers.sign_in("good", subject_id=new_id(), ial=3, aal=2)
        async with gateway(
            memory_floor(),
            callers,
            KnownConsents(),
            KnownCitizens(),
            inner=self._inside,
            admission_kind=Watched,
            per_person=PLENTY,
            per_app=PLENTY,
            per_department=PLENTY,
            per_address=PLENTY,
            per_app_of_visitors=PLENTY,
        ) as harness:
            self._harness = harness
            harness.answer = lambda request: plain_answer(f"{request.method} {request.target}".encode())
            base_url = harness.apps[0].manifest.backend.base_url.live  # type: ignore[union-attr]
            await harness.publish(
                published(base_url, backend={"base_url": {"live": base_url}, "routes": ROUTES + DEEP})
            )
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _inside(self, scope: Any, receive: Any, send: Any) -> None:
        """The city's own side: takes note of what arrives, and hands the notes out."""
        assert self._harness is not None
        if scope["raw_path"] == b"/broken":
            await _break_off(scope, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if scope["raw_path"] == b"/received":
            department = [request.raw.decode("latin-1") for request in self._harness.received]
            answer = msgspec.json.encode({"department": department, "city": self._city})
        else:
            query = b"?" + scope["query_string"] if scope["query_string"] else b""
            self._city.append(f"{scope['method']} {(scope['raw_path'] + query).decode('latin-1')}")
            answer = body
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


async def _break_off(scope: Any, send: Any) -> None:
    length = [(b"content-length", b"10")] if scope["query_string"] else []
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": b"part", "more_body": True})


def make_app() -> Served:
    return Served()


if __name__ == "__main__":
    run_granian(
        "tests.gateway.hostile.served:make_app",
        host="127.0.0.1",
        port=int(sys.argv[1]),
        workers=1,
        factory=True,
        header_timeout_seconds=HEADER_SECONDS,
        drain_seconds=1,
    )
