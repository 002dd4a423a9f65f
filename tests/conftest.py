"""What every test may ask for. The fixtures live in `tests/fixtures`, by topic."""

pytest_plugins = ["tests.fixtures.floor", "tests.fixtures.postgres", "tests.fixtures.house"]
