"""How the gateway asks for an answer that it has to mask. What is hidden in it is `miniapps.manifest.masking`'s."""

from collections.abc import Mapping


def ask_plainly(headers: Mapping[str, str]) -> dict[str, str]:
    """The request's headers, asking for the whole answer unencoded: in a part of it no pointer finds its place."""
    return {name: value for name, value in headers.items() if name not in {"range", "if-range"}} | {
        "accept-encoding": "identity"
    }
