"""`suishen miniapp review` and `publish`: the reviewer's word on a version, and the department's step to citizens.

Shows what is judged before it asks, and signs the hash of what it showed.
"""

import json
from typing import Any

import click

from miniapps.cli.city import City
from miniapps.cli.handing_in import at_a_city, path_of, signed_in, tell_version


@click.command()
@click.argument("app_id")
@click.argument("code", type=click.IntRange(1))
@click.option("--verdict", type=click.Choice(["approved", "changes_requested", "rejected"]), required=True)
@click.option("--reason", required=True, help="What the author reads.")
@click.option("--yes", is_flag=True, help="Do not ask after showing what is judged.")
@at_a_city
def review(app_id: str, code: int, verdict: str, reason: str, origin: str, username: str, *, yes: bool) -> None:  # noqa: PLR0917 - one argument for each option
    """Judges version CODE of APP_ID, as a reviewer who neither wrote nor submitted it.

    Shows manifest, findings and conformance reports, then signs the hash of that very manifest.
    """
    with signed_in(origin, username) as city:
        detail = city.get(f"/v1/apps/{app_id}/versions/{code}")
        _show(city, detail)
        if not yes:
            click.confirm(f"{verdict}?", abort=True)
        digest = detail["version"]["manifest_hash"]
        judgement = {"verdict": verdict, "reason": reason, "manifest_hash": digest}
        city.post(f"/v1/apps/{app_id}/versions/{code}/reviews", judgement)
        click.echo(f"已审核 {verdict}: sha-256 {digest}")


@click.command()
@click.argument("app_id")
@click.argument("code", type=click.IntRange(1))
@click.option(
    "--to",
    type=click.Choice(["everybody", "testers"]),
    default="everybody",
    show_default=True,
    help="A first version may go to everybody; a later one begins with testers.",
)
@at_a_city
def publish(app_id: str, code: int, to: str, origin: str, username: str) -> None:
    """Shows the approved version CODE of APP_ID to citizens: live on every node within two seconds."""
    with signed_in(origin, username) as city:
        release = city.post(f"/v1/apps/{app_id}/releases", {"version_code": code, "to": to})
        click.echo(f"已发布 version {release['version_code']}: {release['state']}")


def _show(city: City, detail: dict[str, Any]) -> None:
    click.echo(json.dumps(detail["manifest"], ensure_ascii=False, indent=2))
    tell_version(detail["version"])
    for kept in city.get(f"{path_of(detail['version'])}/conformance")["items"]:
        failed = [case["id"] for case in kept["report"]["cases"] if case["outcome"] == "failed"]
        click.echo(
            f"  {kept['outcome']} by {kept['made_by']} ({kept['environment']}), sha-256 {kept['sha256']}"
            f"{': ' + ', '.join(failed) if failed else ''}"
        )
