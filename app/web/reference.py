"""The API reference for people and for machines: drawn from the routes, readable without any script."""

import asyncio
import json
from collections.abc import Callable
from html import escape
from typing import Any

import msgspec

from app.kit.pages import document as html_document
from app.kit.structs import Model

METHODS = ("get", "post", "put", "patch", "delete")


class Drawn(Model):
    """The document and its page, as they are sent."""

    json: bytes
    page: bytes


class Reference:
    """Drawn at the first question, off the event loop, and once: whoever asks again is sent the same bytes."""

    def __init__(self, *, brand: str) -> None:
        self._brand = brand
        self._describe: Callable[[], dict[str, Any]] = dict
        self._drawing: asyncio.Task[Drawn] | None = None

    def describes(self, describe: Callable[[], dict[str, Any]]) -> None:
        """Where the document comes from; said when all routes stand."""
        self._describe = describe

    async def drawn(self) -> Drawn:
        """Both; who goes away while they are drawn stops nobody else's."""
        self._drawing = self._drawing or asyncio.create_task(asyncio.to_thread(self._draw))
        return await asyncio.shield(self._drawing)

    def _draw(self) -> Drawn:
        described = self._describe()
        page = html_document(title="接口文档 API", brand=self._brand, body=reference_body(described))
        return Drawn(json=msgspec.json.encode(described), page=page.encode())


def reference_body(document: dict[str, Any]) -> str:
    """The body of `GET /reference`, grouped by tag."""
    groups: dict[str, list[str]] = {}
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            operation = item.get(method)
            if operation:
                tag = (operation.get("tags") or ["Other"])[0]
                groups.setdefault(tag, []).append(_operation(document, method, path, operation))
    sections = "".join(f"<h2>{escape(tag)}</h2>{''.join(groups[tag])}" for tag in sorted(groups))
    return (
        "<h1>接口文档 <small lang='en'>API reference</small></h1>"
        "<p>机器可读的版本 <span class='soft' lang='en'>for machines</span>: "
        f"<a href='/openapi.json'>/openapi.json</a></p>{sections}"
    )


def _operation(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    summary = escape(operation.get("summary") or "")
    parts = [f"<p>{escape(operation['description'])}</p>"] if operation.get("description") else []
    parts.append(_parameters(operation.get("parameters") or []))
    body = ((operation.get("requestBody") or {}).get("content") or {}).items()
    parts += [_shape(document, f"请求 Request · {kind}", content.get("schema")) for kind, content in body]
    parts += [_response(document, status, response) for status, response in (operation.get("responses") or {}).items()]
    return (
        f"<details><summary><span class='method'>{method.upper()}</span> <code>{escape(path)}</code> "
        f"<span class='soft'>{summary}</span></summary>{''.join(parts)}</details>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(parameter['in'])}</td>"
        f"<td>{escape(parameter.get('description') or '')}</td></tr>"
        for parameter in parameters
    )
    return f"<table><tbody>{rows}</tbody></table>" if rows else ""


def _response(document: dict[str, Any], status: str, response: dict[str, Any]) -> str:
    contents = (response.get("content") or {}).items()
    shapes = [_shape(document, f"{status} · {kind}", content.get("schema")) for kind, content in contents]
    return "".join(shapes) or f"<p><b>{escape(status)}</b> {escape(response.get('description') or '')}</p>"


def _shape(document: dict[str, Any], label: str, schema: dict[str, Any] | None) -> str:
    text = json.dumps(_sketch(document, schema or {}, depth=0), ensure_ascii=False, indent=2)
    return f"<p><b>{escape(label)}</b></p><pre>{escape(text)}</pre>"


def _sketch(document: dict[str, Any], schema: dict[str, Any], *, depth: int) -> Any:
    """The schema as an example-like value, each leaf saying its type."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        known = document.get("components", {}).get("schemas", {}).get(name, {})
        return name if depth > 4 else _sketch(document, known, depth=depth + 1)  # noqa: PLR2004 - deep enough to read
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return " | ".join(_leaf(_sketch(document, part, depth=depth + 1)) for part in schema[union])
    if "const" in schema or "enum" in schema:
        return " | ".join(str(value) for value in schema.get("enum", [schema.get("const")]))
    if "properties" in schema:
        return {name: _sketch(document, part, depth=depth + 1) for name, part in schema["properties"].items()}
    if "items" in schema and isinstance(schema["items"], dict):
        return [_sketch(document, schema["items"], depth=depth + 1)]
    return schema.get("format") or schema.get("type") or "any"


def _leaf(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
