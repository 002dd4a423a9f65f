"""From a mini-app's id to the one DNS label that names its pages, and back. Pure; both ways without a loss.

A dot becomes a hyphen and a hyphen two. No part of an id begins or ends with a hyphen, so that a single hyphen was a
dot and an even run was hyphens; and no id begins with a hyphen in its first part, so that no label looks like "xn--".
"""

import re
from typing import Final

LONGEST_LABEL: Final = 63  # RFC 1035, section 2.3.4

_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_RUN = re.compile(r"-+")


def label_of(app_id: str) -> str | None:
    """The label of a mini-app's pages; None when the id is too long to have one."""
    label = app_id.replace("-", "--").replace(".", "-")
    return label if len(label) <= LONGEST_LABEL else None


def app_id_of(label: str) -> str | None:
    """The id that `label` stands for, or None when it is the label of no id."""
    if not _LABEL.fullmatch(label):
        return None
    if any(len(run) % 2 and len(run) > 1 for run in _RUN.findall(label)):
        return None
    return _RUN.sub(lambda run: "." if len(run[0]) == 1 else "-" * (len(run[0]) // 2), label)
