"""The provider with its departments and browsers, before those who mean it ill."""

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
