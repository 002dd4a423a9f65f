"""The same two departments and browsers as beside; and modules by their names."""

from tests.auth.provider.conftest import (
    browser,
    department_id,
    library,
    new_browser,
    other_department_id,
    register,
    sports,
)

__all__ = ["browser", "department_id", "library", "new_browser", "other_department_id", "register", "sports"]
