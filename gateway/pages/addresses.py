"""Where a mini-app's pages stand: `{label}.apps.HOST`, and for a release on trial `{label}---{mark}.apps.HOST`. Pure.

No label of a mini-app has three hyphens in a row, so that nobody can register the address of another's trial. The mark
cannot be guessed and is told to those whom the release serves: pages ask nobody who they are.
"""

from typing import Final
from uuid import UUID

from miniapps.manifest import app_id_of, label_of

ON_TRIAL: Final = "---"
MARK_LENGTH: Final = 12  # 48 random bits of the release's id
LONGEST_LABEL: Final = 63


def mark_of(release_id: UUID) -> str:
    """What names the pages of a release on trial."""
    return release_id.hex[-MARK_LENGTH:]


def page_label(app_id: str, trial: UUID | None = None) -> str | None:
    """The label under which the pages stand, of the release `trial` if one is given; None where it is too long."""
    label = label_of(app_id)
    if label is None or trial is None:
        return label
    label += ON_TRIAL + mark_of(trial)
    return label if len(label) <= LONGEST_LABEL else None


def read_label(label: str) -> tuple[str, str | None] | None:
    """The mini-app, and the mark of a release on trial if one is named; None for what is no label of ours."""
    name, hyphens, mark = label.partition(ON_TRIAL)
    app_id = app_id_of(name)
    if app_id is None or (hyphens and len(mark) != MARK_LENGTH):
        return None
    return app_id, mark or None
