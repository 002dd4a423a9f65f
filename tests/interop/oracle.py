"""The certified `oidc-provider` (npm) as a process beside ours, with a client like ours; a browser for its pages."""

import contextlib
import html
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from app.demo.caller import public_jwk_of
from app.kit.processes import free_port
from tests.interop import node_program
from tests.interop.city import CERTIFICATES
from tests.interop.party import Party, Registration

END_SECONDS = 10
MOST_STEPS = 20


@contextlib.contextmanager
def running_oracle(ear_address: str, *, pin: Callable[[int], None] = lambda _pid: None) -> Iterator[Party]:
    """The oracle with one client, ready; it ends with the test, or with this process. `pin` is told its process."""
    node_program.install()
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    registration = Registration(
        client_id="cn.example.oracle",
        key=ec.generate_private_key(ec.SECP256R1()),
        redirect_uri=f"http://{ear_address}/cb",
        bye_uri=f"http://{ear_address}/bye",
    )
    client = {
        "client_id": registration.client_id,
        "jwk": public_jwk_of(registration.key) | {"kid": "k1"},
        "redirect_uri": registration.redirect_uri,
        "bye_uri": registration.bye_uri,
        "ear_uri": f"http://{ear_address}/backchannel",
    }
    environment = {
        "ISSUER": issuer,
        "PORT": str(port),
        "CLIENTS": json.dumps([client]),
        "SIGNING_JWK": json.dumps(_signing_key() | {"kid": "s1", "alg": "ES256", "use": "sig"}),
    }
    process = subprocess.Popen(
        [*node_program.own_node(), "oracle.mjs"],
        cwd=node_program.FOLDER,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    said = list(iter(process.stdout.readline, "listening\n"))
    assert process.poll() is None, said
    pin(process.pid)
    browser = OracleBrowser(issuer)
    with Party(issuer, registration, browser) as party:
        yield party
    browser.http.close()
    process.stdin.close()
    process.wait(END_SECONDS)
    process.stdout.close()


class OracleBrowser:
    """Somebody who signs in at the oracle's own pages and agrees to what they ask."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.http = httpx.Client(base_url=issuer, timeout=20, verify=CERTIFICATES)

    def visit(self, address: str) -> str:
        """The address outside the oracle to which the way leads; "stopped 400" for a page that leads nowhere."""
        page = self.http.get(address)
        for _ in range(MOST_STEPS):
            if page.is_redirect:
                target = urljoin(str(page.url), page.headers["location"])
                if not target.startswith(self.issuer):
                    return target
                page = self.http.get(target)
            elif page.is_success and "<form" in page.text:
                page = self._fill_in(page)
            else:
                return f"stopped {page.status_code}"
        raise AssertionError(page.text)

    def _fill_in(self, page: httpx.Response) -> httpx.Response:
        (action,) = re.findall(r'<form[^>]* action="([^"]+)"', page.text)[:1]
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        given = {"login": "somebody", "password": "anything"} if fields.get("prompt") == "login" else {"logout": "yes"}
        return self.http.post(html.unescape(action), data=fields | given)


def _signing_key() -> dict[str, Any]:
    jwk: dict[str, Any] = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    return jwk
