"""`suishen miniapp`: what developers do on their own machine, and what a city asks of its own services."""

from typing import TextIO

import click

from app.commands.telling import tell
from app.kit.floor import Floor
from app.settings import Settings
from miniapps.cli import miniapp


@miniapp.command()
@click.option("--csv", "csv_file", type=click.File("w", encoding="utf-8"), help="Write a spreadsheet ('-': to stdout).")
def scorecards(*, csv_file: TextIO | None) -> None:
    """Hold every published mini-app of this city against its year: keep, merge or retire, with the reasons."""
    # Developers who only check a manifest do not wait for the whole city to load.
    from app.commands.administration import with_settings  # noqa: PLC0415
    from app.main import build_house  # noqa: PLC0415
    from miniapps.scorecards.rendering import as_csv, as_table  # noqa: PLC0415

    async def show(floor: Floor, chosen: Settings) -> None:
        house = build_house(chosen, database=floor.database)
        async with floor.database.acquire() as connection:
            cards = await house.packages.miniapps.stewardship.scorecards.list_scorecards(connection)
        if csv_file is None:
            click.echo(as_table(cards))
        else:
            csv_file.write(as_csv(cards))
        tell(f"{len(cards)} mini-apps.")

    with_settings(show)
