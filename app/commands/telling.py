"""How commands speak."""

import click


def tell(line: str) -> None:
    """Progress, on standard error, so that standard output stays what was asked for."""
    click.echo(line, err=True)
