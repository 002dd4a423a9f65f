"""The templates of pushes: data that ships with the program. A department fills in short lines and nothing else.

Refuses lines that lead somewhere (addresses) or ask for money to somewhere (long numbers). Pure.
"""

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from string import Formatter
from typing import Annotated, Final

import msgspec

from app.kit.structs import Model, Text
from codes.enterprise.pushes.errors import PushTextInvalid, TemplatesInvalid, TemplateUnknown
from codes.lines import ONE_LINE

FieldName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{1,19}(?![\s\S])")]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=ONE_LINE)]

ADDRESS: Final = re.compile(r"://|\bwww\b|@|[a-z0-9-][.。．｡][a-z]{2,}|\bhttps?\b", re.IGNORECASE | re.ASCII)
"""What a phone would make a link or a mail address of; IDNA takes all four dots for one."""
LONG_NUMBER: Final = re.compile(r"(?:\d[\s-]?){12,}")
"""Accounts and cards are longer than telephone numbers."""


class Template(Model, forbid_unknown_fields=True):
    """One kind of notice."""

    slug: Annotated[str, msgspec.Meta(pattern=r"^[a-z]+(-[a-z]+)*(?![\s\S])", max_length=40)]
    names: Text
    title: Text
    body: Text
    fields: tuple[FieldName, ...]


class TemplateFile(Model, forbid_unknown_fields=True):
    """The file as it stands."""

    templates: tuple[Template, ...]


class Rendered(Model):
    """What the enterprise reads."""

    title: Text
    body: Text


class Templates:
    """Every template by its slug."""

    def __init__(self, templates: Iterable[Template]) -> None:
        """Raises `TemplatesInvalid` when a template does not use exactly its fields."""
        known = tuple(templates)
        faults = faults_of(known)
        if faults:
            raise TemplatesInvalid(" ".join(faults))
        self._by_slug = {template.slug: template for template in known}

    def __iter__(self) -> Iterator[Template]:
        return iter(self._by_slug.values())

    def render(self, slug: str, values: Mapping[str, str]) -> Rendered:
        """The notice; raises `TemplateUnknown`, and `PushTextInvalid` naming the fields that do not do."""
        template = self._by_slug.get(slug)
        if template is None:
            raise TemplateUnknown
        wrong = set(template.fields) ^ set(values) | {name for name, value in values.items() if leads_somewhere(value)}
        if wrong:
            raise PushTextInvalid(fields=sorted(wrong & set(template.fields)))
        return Rendered(title=_filled(template.title, values), body=_filled(template.body, values))


def leads_somewhere(value: str) -> bool:
    """Whether a line carries an address or a long number, in whatever width it is written."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", value) if unicodedata.category(c) != "Cf")
    return bool(ADDRESS.search(plain) or LONG_NUMBER.search(plain))


def faults_of(templates: Iterable[Template]) -> list[str]:
    """Everything that contradicts itself, one sentence each."""
    known = tuple(templates)
    repeated = [(slug, times) for slug, times in Counter(template.slug for template in known).items() if times > 1]
    faults = [f"{slug} stands {times} times." for slug, times in repeated]
    return faults + [f"{template.slug}: {fault}" for template in known for fault in _faults(template)]


@functools.cache
def load_templates() -> Templates:
    """The templates that ship; raises `TemplatesInvalid`."""
    return read_templates((resources.files("codes.enterprise.pushes") / "templates.toml").read_bytes())


def read_templates(text: bytes) -> Templates:
    """The templates in `text` (TOML, UTF-8); raises `TemplatesInvalid`."""
    try:
        return Templates(msgspec.toml.decode(text, type=TemplateFile).templates)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TemplatesInvalid(str(error)) from None


def _faults(template: Template) -> Iterator[str]:
    fields = set(template.fields)
    for title in (template.title.zh, template.title.en):
        if not _placeholders(title) <= fields:
            yield f"{title!r} uses what is no field."
    for body in (template.body.zh, template.body.en):
        if _placeholders(body) != fields:
            yield f"{body!r} does not use exactly the fields."


def _filled(text: Text, values: Mapping[str, str]) -> Text:
    return Text(zh=text.zh.format_map(values), en=text.en.format_map(values))


def _placeholders(text: str) -> set[str]:
    """The names in braces, with whatever format stands beside them, which then is no field; nor are broken braces."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        return {text}
    return {f"{name}{spec}{conversion or ''}" for _, name, spec, conversion in parts if name is not None}
