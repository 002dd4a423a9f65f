"""What one request to each route looks like, and which of the things that it names are somebody's own."""

import functools
import re
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from app.demo.registries import PUPIL
from app.kit.bodies import JSON
from tests.app.access.crowd import Column, Crowd, Prepared
from tests.app.access.table import OFFICIAL, PERSON, Access, read_table
from tests.app.test_openapi import examples_of
from tests.fixtures.inhabited import CITIZEN, CITIZEN_PHONE, Inhabited, library_manifest

PARAMETER = re.compile(r"\{(\w+)\}")
FORM = "application/x-www-form-urlencoded"
# What stands in the open: names that everybody may know, or that say nothing.
OPEN_NAMES = {
    "organization_id",
    "department_id",
    "app_id",
    "code",
    "name",
    "slug",
    "shard",
    "path",
    "push_id",
    "issuer_id",
}
ALIASES = {"department_id": "organization_id", "version_code": "code"}
ANYTHING = {"name": "code", "slug": "forbidden", "shard": 0, "request_id": "0198c0de-0000-7000-8000-000000000001"}


@dataclass
class Matrix:
    """The table, the crowd, and what one request to each route looks like."""

    people: Inhabited
    crowd: Crowd
    document: dict[str, Any]
    table: dict[str, Access] = field(default_factory=read_table)

    def __post_init__(self) -> None:
        self.examples = examples_of(self.document)

    def request_of(self, route: str) -> Prepared:
        """Everything that it names exists."""
        method, template = route.split()
        path = PARAMETER.sub(lambda found: str(self.thing(template, found[1])), template)
        operation = self.document["paths"].get(template, {}).get(method.lower(), {})
        asked = {
            one["name"]: self.thing("departments", one["name"])
            for one in operation.get("parameters", [])
            if one["in"] == "query" and self.is_known(one["name"])
        }
        query = str(httpx.QueryParams(asked))
        content, headers = self.body_of(route, operation)
        return Prepared(method=method, target=f"{path}?{query}" if query else path, content=content, headers=headers)

    def body_of(self, route: str, operation: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
        taken = operation.get("requestBody", {}).get("content", {})
        if FORM in taken:
            return b"", {"content-type": FORM}
        if JSON not in taken:
            return b"", {}
        example = dict(self.examples.get(route) or library_manifest())
        known = {name: self.thing("departments", name) for name in example if self.is_known(name)}
        return msgspec.json.encode(example | known), {"content-type": JSON}

    def key_of(self, name: str) -> str:
        return ALIASES.get(name, name)

    def is_known(self, name: str) -> bool:
        """Whether a field of a body or a query names something that exists."""
        return name.endswith("_id") and self.key_of(name) in self.people.known

    def thing(self, template: str, name: str) -> Any:
        """Something that exists and that such a parameter names; raises `LookupError` where the fixture knows none."""
        known = self.people.known
        if self.key_of(name) == "organization_id" and "departments" in template:
            return self.people.department
        found = known.get(f"{template} {name}") or known.get(self.key_of(name))
        if found is None and name not in ANYTHING:
            raise LookupError(f"{template}: no {name} in tests/fixtures/inhabited.py")
        return found[-1] if found else ANYTHING[name]

    def names_somebodys(self, route: str, column: Column) -> bool:
        """Whether the path or the body names a thing of which no guard can know that it is another's."""
        access, template = self.table[route], route.split()[1]
        if access.shared or access.is_open or not access.welcomes(column.kind, column.roles):
            return False
        fields = {name for name in self.examples.get(route, {}) if self.is_known(name)}
        return bool(PARAMETER.search(template) or fields - (OPEN_NAMES if access.owner != OFFICIAL else set()))

    def secrets(self, *owners: str) -> frozenset[str]:
        """What may stand in no answer to anybody else: of these owners, else of all."""
        return frozenset(secret for owner, secret in self._secrets if not owners or owner in owners)

    @functools.cached_property
    def _secrets(self) -> set[tuple[str, str]]:
        found = {(PERSON, told) for told in (CITIZEN.name, CITIZEN.document_number, CITIZEN_PHONE, PUPIL.name)}
        for route, access in self.table.items():
            template = route.split()[1]
            names = set() if access.is_open else set(PARAMETER.findall(template)) - OPEN_NAMES
            for key in (key for name in names for key in (name, f"{template} {name}")):
                found |= {(access.owner, str(value)) for value in self.people.known.get(key, [])}
        return found
