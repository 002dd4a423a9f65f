"""What a route's path template means. The gateway compiles the same templates; this module only reads them.

`/loans/{loan_id}` has two segments; a parameter stands for exactly one non-empty segment. Where a literal and a
parameter both fit, the literal wins, from left to right.
"""


def split_template(template: str) -> tuple[str, ...]:
    """The segments of a valid template; "/" has none."""
    return tuple(template.split("/")[1:]) if template != "/" else ()


def is_parameter(segment: str) -> bool:
    """Whether a segment stands for whatever the citizen sends."""
    return segment.startswith("{")


def parameters(template: str) -> tuple[str, ...]:
    """The names of a template's parameters, from left to right."""
    return tuple(segment[1:-1] for segment in split_template(template) if is_parameter(segment))


def lies_below(template: str, prefix: str) -> bool:
    """Whether some path that the template stands for begins with `prefix` and a slash."""
    segments, outer = split_template(template), split_template(prefix)
    return len(segments) > len(outer) and all(
        is_parameter(segment) or segment == fixed for segment, fixed in zip(segments, outer, strict=False)
    )


def template_shape(template: str) -> str:
    """The template without its parameters' names: two routes of one method and one shape would be the same route."""
    return "/" + "/".join("{}" if is_parameter(segment) else segment for segment in split_template(template))
