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
OFFICES = {"organization_id", "department_id"}  # whose list it is; other questions only narrow it
ALIASES = {"department_id": "organization_id", "version_code": "code"}
ANYTHING = {"name": "code", "slug": "forbidden", "shard": 0, "request_id": "0198c0de-0000-7000-8000-000000000001"}


@dataclass
class Matrix:
    """The table, the crowd, and what one request to each route looks like."""

    people: Inhabited
    crowd: Crowd
    document: dict[str, Any]
    table: dict[str, Access] = field(default_factory=read_table)
    _prepared: dict[str, Prepared] = field(default_factory=dict)

    def request_of(self, route: str) -> Prepared:
        """Everything that it names exists; raises `LookupError` with what is missing where it does not."""
        if route not in self._prepared:
            self._prepared[route] = self._prepare(route)
        return self._prepared[route]

    @property
    def ready(self) -> set[str]:
        """The routes that were asked already."""
        return set(self._prepared)

    def _prepare(self, route: str) -> Prepared:
        method, template = route.split()
        path = PARAMETER.sub(lambda found: str(self.thing(template, found[1])), template)
        operation = self.document["paths"].get(template, {}).get(method.lower(), {})
        asked = {
            one["name"]: self.thing("departments", one["name"])
            for one in operation.get("parameters", [])
            if one["in"] == "query" and one["name"] in OFFICES
        }
        query = str(httpx.QueryParams(asked))
        content, headers = self.body_of(operation)
        return Prepared(method=method, target=f"{path}?{query}" if query else path, content=content, headers=headers)

    def body_of(self, operation: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
        taken = operation.get("requestBody", {}).get("content", {})
        if FORM in taken:
            return b"", {"content-type": FORM}
        if JSON not in taken:
            return b"", {}
        example = self.example_of(taken[JSON]["schema"])
        known = {name: self.thing("departments", name) for name in example if self.is_known(name)}
        return msgspec.json.encode(example | known), {"content-type": JSON}

    def example_of(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The published example of a body; where the body is no described struct it is a manifest."""
        name = schema.get("$ref", "").rpartition("/")[2]
        if not name:
            return library_manifest()
        examples = self.document["components"]["schemas"][name].get("examples")
        if not examples:
            raise LookupError(f"no {name} in app/api_examples.py")
        return dict(examples[0])

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
            raise LookupError(f"no {name} in tests/fixtures/inhabited.py")
        return found[-1] if found else ANYTHING[name]

    def names_somebodys(self, route: str, column: Column) -> bool:
        """Whether the path or the body names a thing of which no guard can know that it is another's."""
        access, template = self.table[route], route.split()[1]
        if access.shared or access.is_open or not access.welcomes(column.kind, column.roles):
            return False
        content = self.request_of(route).content
        fields = {name for name in (msgspec.json.decode(content) if content else ()) if self.is_known(name)}
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
