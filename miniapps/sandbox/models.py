"""Calls in the sandbox: what a developer asks for, and what their server answered."""

import re
from typing import Annotated, Any

from msgspec import Meta

from app.kit.structs import Model, Request, Text
from miniapps.manifest import Route, split_template
from miniapps.manifest.models import Method
from miniapps.sandbox.citizens import CitizenName

LARGEST_BODY = 64 * 1024
# What may stand for a parameter: nothing that another reader could take for a separator or a step up.
_VALUE = re.compile(r"(?!\.{1,2}$)(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[89A-Fa-f][0-9A-Fa-f])+")


class CallInSandbox(Request):
    """One call to the version's `base_url.sandbox`, as the gateway would make it for a citizen who does not exist."""

    method: Method
    path: Annotated[str, Meta(pattern=r"^(/[A-Za-z0-9._~%!$&'()*+,=:@-]*)+$(?!\n)", max_length=1024)]
    citizen: CitizenName = "citizen-a"
    query: Annotated[str, Meta(pattern=r"^(\?[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?$(?!\n)", max_length=2048)] = ""
    body: Annotated[str, Meta(max_length=LARGEST_BODY)] = ""
    idempotency_key: Annotated[str, Meta(pattern=r"^[!-~]{1,128}$(?!\n)")] | None = None


class AnswerInSandbox(Model):
    """What came back. `granted` is what the assertion told; a body that is no text is told by its length alone.

    Where the manifest masks, `masked` is what a citizen would see of `body`; or `unmaskable` says why the gateway would
    answer 502 instead.
    """

    status: int
    content_type: str
    body: str | None
    masked: str | None
    unmaskable: str | None
    bytes: int
    milliseconds: int
    route: str
    openid: str
    granted: dict[str, Any]


class SandboxCitizen(Model):
    """A citizen of the sandbox, with every field that a scope may name."""

    name: str
    elder: bool
    fields: dict[str, Any]


class SandboxView(Model):
    """Where the sandbox's keys are, who lives there, and what to start a server with."""

    issuer: str
    jwks_uri: str
    citizens: list[SandboxCitizen]
    advice: Text


def find_route(routes: tuple[Route, ...], method: str, path: str) -> Route | None:
    """The declared route for a raw path; a literal wins over a parameter, from left to right."""
    segments = split_template(path)
    fitting = [route for route in routes if route.method == method and _fits(split_template(route.path), segments)]
    return min(fitting, key=lambda route: [part.startswith("{") for part in split_template(route.path)], default=None)


def _fits(template: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    return len(template) == len(segments) and all(
        part == segment or (part.startswith("{") and _VALUE.fullmatch(segment) is not None)
        for part, segment in zip(template, segments, strict=True)
    )
