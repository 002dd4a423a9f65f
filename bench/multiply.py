"""A city several times as large, made of a small one by the database itself: every person again under other names.

Copies rows and keeps what belongs together together: the n-th copy of a session belongs to the n-th copy of its person.
Departments, scanners and services stay the same few. Only for a bench: sealed values of a copy open for nobody.
"""

from typing import Final

import asyncpg

TABLES: Final = (
    "auth.person",
    "auth.subject_key",
    "auth.phone",
    "auth.device",
    "auth.session",
    "auth.session_context",
    "auth.consent",
    "auth.message",
    "auth.authorization_request",
    "codes.grant_batch",
    "codes.verification",
    "gateway.usage",
)
THE_SAME: Final = ("department_id", "organization_id", "scanner_id", "subject_key_id")
STEP: Final = 1000
"""Between the numbers of two copies; the small city has fewer of everything that is numbered."""

COLUMNS: Final = """
select a.attname as name, format_type(a.atttypid, null) as type,
       exists (select from pg_index i where i.indrelid = a.attrelid and i.indisunique and a.attnum = any(i.indkey))
         as in_key
  from pg_attribute a
 where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
 order by a.attnum
"""


FOREIGN_KEYS: Final = """
select conrelid::regclass::text as "table", conname as name from pg_constraint where contype = 'f' and conparentid = 0
"""


async def multiply(connection: asyncpg.Connection, times: int) -> int:
    """Adds `times` copies of what there is; how many rows there are now. The database keeps no foreign key."""
    for key in await connection.fetch(FOREIGN_KEYS):  # who refers to whom is known, and checking it would take minutes
        await connection.execute(f'alter table {key["table"]} drop constraint "{key["name"]}"')
    total = 0
    for table in TABLES:
        await connection.execute(await _copying(connection, table), times)
        total += await connection.fetchval(f"select count(*) from {table}")
    await connection.execute("vacuum analyze")
    return total


async def _copying(connection: asyncpg.Connection, table: str) -> str:
    columns = await connection.fetch(COLUMNS, table)
    names = ", ".join(f'"{column["name"]}"' for column in columns)
    values = ", ".join(_copied(column["name"], column["type"], in_key=column["in_key"]) for column in columns)
    return f"""
        insert into {table} ({names}) overriding system value
        select {values} from {table} t, generate_series(1, $1::int) as copy
            on conflict do nothing
    """


def _copied(name: str, kind: str, *, in_key: bool) -> str:
    """The column's value in a copy."""
    value = f't."{name}"'
    if kind == "uuid" and name not in THE_SAME:
        return f"md5({value}::text || copy)::uuid"
    if not in_key:
        return value
    if kind == "bytea":
        digest = f"sha256({value} || copy::text::bytea)"
        return f"substr({digest} || {digest}, 1, length({value}))"
    if kind in {"bigint", "integer"}:
        return f"{value} + copy * {STEP}"
    return f"{value} || '-' || copy" if name.startswith("request_") else value


async def clone(administrator: asyncpg.Connection, source: str, name: str) -> None:
    """A database of its own like `source`, in which nobody may be."""
    assert name.isidentifier(), name
    assert source.isidentifier(), source
    await administrator.execute(f'create database "{name}" template "{source}"')
