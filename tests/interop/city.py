"""A running city with one published department, a citizen's browser, and an ear for back-channel logout."""

import asyncio
import base64
import contextlib
import itertools
import re
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from app.demo.caller import Caller, public_jwk_of
from auth.documents import make_synthetic_credit_code
from auth.officials.totp import STEP_SECONDS, code_at
from tests.fixtures.inhabited import library_manifest
from tests.flows.server import Server

APP_ID = "cn.example.library"
CREDIT_CODE = make_synthetic_credit_code(sequence=201)
NUMBERS = itertools.count(9100)
PATIENCE_SECONDS = 15
CERTIFICATES = ssl.create_default_context()
"""Read once: on loopback nobody asks for them, and reading them is what would take the time of a client."""


class Ear:
    """The department's server: keeps logout tokens that are posted, and assertions of the gateway's calls."""

    def __init__(self) -> None:
        heard = self.heard = list[str]()
        assertions = self.assertions = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                heard.extend(parse_qs(body).get("logout_token", []))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                assertions.append(self.headers.get("SSB-Assertion", ""))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait(self, count: int) -> list[str]:
        """The first `count` logout tokens."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.heard) < count:
            assert time.monotonic() < deadline, f"{len(self.heard)} logout tokens of {count}"
            time.sleep(0.05)
        return self.heard[:count]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class City:
    """The server, and what a department's program needs to know."""

    def __init__(self, server: Server, ear: Ear) -> None:
        self.server = server
        self.ear = ear
        self.issuer = server.origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.redirect_uri = f"http://{ear.address}/cb"
        self.bye_uri = f"http://{ear.address}/bye"
        self.reviewer: Caller | None = None

    @property
    def private_jwk(self) -> dict[str, str]:
        jwk: dict[str, str] = ECAlgorithm.to_jwk(self.key, as_dict=True)
        return jwk | {"kid": "k1"}

    def manifest(self) -> dict[str, Any]:
        document = library_manifest()
        document["owner"]["org_code"] = CREDIT_CODE
        document["backend"]["base_url"] = {"live": f"http://{self.ear.address}"}
        document["backend"]["routes"].append({"method": "GET", "path": "/hello"})
        document["data"]["scopes"].append(
            {
                "name": "library.level",
                "fields": ["identity_level"],
                "purpose": {"zh": "确认实名级别", "en": "Know the level"},
                "basis": "statute",
                "legal_basis": "《公共图书馆法》",
            }
        )
        point = public_jwk_of(self.key)
        document["login"] = {
            "redirect_uris": [self.redirect_uri],
            "post_logout_redirect_uris": [self.bye_uri],
            "backchannel_logout_uri": f"http://{self.ear.address}/backchannel",
            "keys": [{"kid": "k1", "x": point["x"], "y": point["y"]}],
        }
        return document

    async def publish(self) -> None:
        """Registers, reviews and publishes the department's mini-app, over HTTP."""
        async with httpx.AsyncClient(base_url=self.issuer, timeout=20) as http:
            developer = await self._official(http, "test-developer", "developer")
            reviewer = self.reviewer = await self._official(http, "test-reviewer", "reviewer")
            organization_id = (await developer.call("GET", "/v1/me"))["organization_id"]
            await developer.call("POST", f"/v1/departments/{organization_id}/apps", json={"app_id": APP_ID})
            path = f"/v1/apps/{APP_ID}/versions"
            headers = {"content-type": "application/json"}
            await developer.call("POST", path, content=msgspec.json.encode(self.manifest()), headers=headers)
            await developer.call("POST", f"{path}/1/submit")
            digest = await _reviewable(reviewer, f"{path}/1")
            judgement = {"verdict": "approved", "reason": "符合要求", "manifest_hash": digest}
            await reviewer.call("POST", f"{path}/1/reviews", json=judgement)
            await developer.call("POST", f"/v1/apps/{APP_ID}/releases", json={"version_code": 1})
        await self._live_everywhere()

    async def _live_everywhere(self) -> None:
        """Until every worker routes to it: publishing is promised within 2 s, not at once."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while 404 in await asyncio.gather(*(self._knock() for _ in range(12))):
            assert time.monotonic() < deadline, f"{APP_ID} is not live on every worker"

    async def _knock(self) -> int:
        """Over a connection of its own, so that any worker may answer; 401 says that the service is known."""
        async with httpx.AsyncClient(base_url=self.issuer, timeout=20, verify=CERTIFICATES) as http:
            headers = {"Host": f"apps.localhost:{self.server.port}"}
            return (await http.get(f"/apps/{APP_ID}/hello", headers=headers)).status_code

    async def _official(self, http: httpx.AsyncClient, username: str, role: str) -> Caller:
        ended = subprocess.run(  # noqa: ASYNC221 - nothing else waits
            [
                *(sys.executable, "-m", "app.cli", "staff", "add", username, "--name", "演示人员"),
                *("--role", role, "--department", "演示市图书馆", "--credit-code", CREDIT_CODE),
            ],
            env=self.server.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        password = re.search(r"password: (\S+)", ended.stdout)
        secret = re.search(r"secret=([A-Z2-7]+)", ended.stdout)
        assert password, ended.stdout
        assert secret, ended.stdout
        caller = Caller(http)
        body = {"username": username, "password": password[1], "totp": _totp(secret[1])}
        caller.tokens = await caller.call("POST", "/v1/login/password/tokens", proven=True, json=body)
        return caller


@contextlib.contextmanager
def running_city(*, workers: int = 2) -> Iterator[City]:
    """Stopped and forgotten at the end."""
    ear = Ear()
    with Server.in_a_folder_of_its_own() as server:
        server.environment |= {"SUISHEN_ALLOWED_UPSTREAMS": ear.address, "SUISHEN_WORKERS": str(workers)}
        server.start()
        yield City(server, ear)
    ear.close()


class Browser:
    """A citizen with one browser: follows the city's redirects, fills in its forms, stops where it is sent away."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.phone = f"199{next(NUMBERS):08}"  # of its own, so that the only code in its inbox is the one just sent
        self.http = httpx.Client(base_url=issuer, headers={"Origin": issuer}, timeout=20, verify=CERTIFICATES)

    def visit(self, address: str) -> str:
        """The address outside the city to which the way leads; "stopped 400" for a page that leads nowhere."""
        page = self.http.get(address)
        for _ in range(20):
            if page.status_code == 303:
                target = page.headers["location"]
                if not target.startswith("/"):
                    return str(target)
                page = self.http.get(target)
            elif page.is_error or "<form" not in page.text:
                return f"stopped {page.status_code}"
            else:
                page = self._fill_in(page)
        raise AssertionError(page.text)

    def _fill_in(self, page: httpx.Response) -> httpx.Response:
        assert page.status_code == 200, page.text
        action = re.findall(r'<form method="post" action="([^"]+)"', page.text)[0]
        filled = {
            "phone": lambda: {"phone": self.phone},
            "code": lambda: {"code": self._read_code()},
            "consent": lambda: {"decision": "allow"},
        }
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        return self.http.post(action, data=hidden | filled[action.rpartition("/")[2]]())

    def _read_code(self) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            items = self.http.get("/demo/inbox.json", params={"phone": self.phone}).json()["items"]
            codes = [found[1] for item in items if (found := re.search(r"验证码 (\d{6})", item["text"]))]
            if codes:
                return codes[0]
            time.sleep(0.05)
        raise TimeoutError("No text message came.")


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(address.partition("?")[2]))


async def _reviewable(reviewer: Caller, path: str) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        version = (await reviewer.call("GET", path))["version"]
        if version["state"] == "reviewing":
            return str(version["manifest_hash"])
        assert time.monotonic() < deadline, version
        time.sleep(0.05)  # noqa: ASYNC251 - nothing else waits


def _totp(secret: str) -> str:
    step = int(time.time()) // STEP_SECONDS
    return code_at(base64.b32decode(secret), datetime.fromtimestamp(step * STEP_SECONDS, UTC))
