"""What every test may ask for. The fixtures live in `tests/fixtures`, by topic."""

from hypothesis import settings

# A shared machine may stall for longer than any one example should take.
settings.register_profile("suishen", deadline=None)
settings.load_profile("suishen")

pytest_plugins = [
    "tests.fixtures.floor",
    "tests.fixtures.doors",
    "tests.fixtures.postgres",
    "tests.fixtures.registries",
    "tests.fixtures.house",
    "tests.fixtures.inhabited",
]
