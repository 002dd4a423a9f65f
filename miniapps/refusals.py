"""Says in OpenAPI by which names a route refuses."""

from collections.abc import Mapping

from litestar.openapi.datastructures import ResponseSpec

from app.kit.errors import SuishenError
from app.kit.http import PROBLEM_JSON, Problem


def refuses(*errors: type[SuishenError]) -> Mapping[int, ResponseSpec]:
    """The refusals of a route by status; errors that share one are named together."""
    named: dict[int, list[str]] = {}
    for error in errors:
        named.setdefault(error.status, []).append(f"`{error.slug}`: {error.title.en}")
    return {
        status: ResponseSpec(
            data_container=Problem, description="; ".join(names), media_type=PROBLEM_JSON, generate_examples=False
        )
        for status, names in named.items()
    }
