"""`suishen scenarios`: what the catalogue says, and which scenarios this city uses."""

import click

from app.commands.telling import tell
from app.kit.floor import Floor
from app.settings import Settings
from codes.scenarios.cli import scenarios


@scenarios.command("in-use")
def scenarios_in_use() -> None:
    """Show which scenarios are in use: a registered verifier, an end-to-end test, and an ACCEPT within 30 days."""
    # Who only reads the catalogue does not wait for the whole city to load.
    from app.commands.administration import with_settings  # noqa: PLC0415
    from codes.scenarios.editions import read_in_force  # noqa: PLC0415
    from codes.scenarios.usage import list_uses  # noqa: PLC0415

    async def show(floor: Floor, chosen: Settings) -> None:
        async with floor.database.acquire() as connection:
            catalogue = await read_in_force(connection, own_file=bool(chosen.scenarios_file))
            uses = await list_uses(connection, catalogue, floor.clock.now())
        for use in uses:
            click.echo(use.line)
        tell(f"{sum(use.in_use for use in uses)} of {len(uses)} scenarios are in use.")

    with_settings(show)
