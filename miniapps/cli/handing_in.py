"""`suishen miniapp submit` and `status`: hand a manifest over with its conformance report, and see how it fares.

Does only what is still missing, so that it may be run again after whatever went wrong. Asks for password and second
factor, or reads them from the environment; keeps neither.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import httpx
import msgspec

from miniapps.cli.city import City, CityRefused
from miniapps.conformance.models import ConformanceReport, report_hash
from miniapps.manifest import Manifest, ManifestUnreadable, lint_manifest, manifest_hash, parse_manifest, refusals

REFUSED, NOT_RUN = 1, 2
CHECKED_WITHIN_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.5
PASSWORD, TOTP = "SUISHEN_STAFF_PASSWORD", "SUISHEN_STAFF_TOTP"
UNDER_WAY = frozenset({"submitted", "checking"})
SENT_BACK = frozenset({"changes_requested", "rejected"})
F = TypeVar("F", bound=Callable[..., None])


def at_a_city(command: F) -> F:
    """The options by which a command finds its city and its account."""
    for option in (
        click.option("--username", required=True, envvar="SUISHEN_STAFF_USERNAME", help="Your staff account."),
        click.option("--city", "origin", default="http://127.0.0.1:8000", show_default=True, help="Its public origin."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("manifest", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--report",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What `suishen miniapp test --report report.json` wrote for this very manifest.",
)
@click.option("--try-in-sandbox", is_flag=True, help="First have the city try base_url.sandbox itself.")
@at_a_city
def submit(manifest: Path, report: Path, origin: str, username: str, *, try_in_sandbox: bool) -> None:
    """Hands MANIFEST over with its report: registers the mini-app and the version where they are new, and submits.

    Reads password and the authenticator's code from SUISHEN_STAFF_PASSWORD and SUISHEN_STAFF_TOTP, or asks. May be
    run again: what was done already is left alone. Exits with 0 when it waits for a reviewer (or was judged well), 1
    when the city refuses it or sends it back, 2 when it could not be handed in.
    """
    document = manifest.read_bytes()
    declared, made = _read(document), _read_report(report, document)
    with signed_in(origin, username) as city:
        _register(city, declared.app_id)
        version = _declare(city, declared, document)
        _hand_in(city, version, made)
        if try_in_sandbox:
            _have_it_tried(city, version)
        version = _submit(city, version)
        tell_version(version)
    sys.exit(REFUSED if version["state"] in SENT_BACK else 0)


@click.command()
@click.argument("app_id", required=False)
@at_a_city
def status(app_id: str | None, origin: str, username: str) -> None:
    """Shows how the versions of APP_ID fare: their state, their findings, what reviewers said.

    Without APP_ID: which mini-apps your department has.
    """
    with signed_in(origin, username) as city:
        if app_id is None:
            for app in city.list_all(f"/v1/departments/{city.organization_id}/apps"):
                click.echo(f"{app['app_id']}: {app['state']}")
            return
        click.echo(f"{app_id}: {city.get(f'/v1/apps/{app_id}')['state']}")
        for version in city.get(f"/v1/apps/{app_id}/versions")["items"]:
            tell_version(version)
            for review in city.get(path_of(version))["reviews"]:
                click.echo(f"  {review['verdict']}: {review['reason']}")


def _read(document: bytes) -> Manifest:
    try:
        manifest = parse_manifest(document)
    except ManifestUnreadable as error:
        raise click.ClickException(f"无法读取 unreadable: {error.reason}") from None
    wrong = refusals(lint_manifest(manifest))
    if wrong:
        raise click.ClickException(f"清单有误，请先按 lint 修改: lint finds {len(wrong)} errors: {wrong[0].message.en}")
    return manifest


def _read_report(path: Path, document: bytes) -> ConformanceReport:
    try:
        report = msgspec.json.decode(path.read_bytes(), type=ConformanceReport)
    except msgspec.MsgspecError as error:
        raise click.BadParameter(f"{path} is no conformance report: {error}", param_hint="--report") from None
    if report.manifest_hash != manifest_hash(document):
        raise click.BadParameter(
            f"{path} is older than the manifest, or on another one: run `suishen miniapp test` again.",
            param_hint="--report",
        )
    if report.outcome == "failed":
        click.echo("报告未通过，仍会提交，审核员会看到 the report says failed; it is handed in as it is", err=True)
    return report


@contextmanager
def signed_in(origin: str, username: str) -> Iterator[City]:
    """The city, as this member of staff; whatever it refuses is told in a line or two, and ends the program."""
    password = os.environ.get(PASSWORD) or click.prompt("Password", hide_input=True)
    totp = os.environ.get(TOTP) or click.prompt("Code of your authenticator")
    try:
        with City.open(origin, username=username, password=password, totp=totp) as city:
            yield city
    except CityRefused as refused:
        click.echo(f"{refused}", err=True)
        for finding in refused.findings:
            click.echo(
                f"  {finding['severity']} {finding['at']} {finding['code']}: {finding['message']['en']}", err=True
            )
        sys.exit(REFUSED)
    except httpx.HTTPError as error:
        click.echo(f"没有应答 nothing answers at {origin}: {type(error).__name__}", err=True)
        sys.exit(NOT_RUN)


def _register(city: City, app_id: str) -> None:
    if city.find(f"/v1/apps/{app_id}") is None:
        city.post(f"/v1/departments/{city.organization_id}/apps", {"app_id": app_id})
        click.echo(f"已登记 registered {app_id}")


def _declare(city: City, manifest: Manifest, document: bytes) -> dict[str, Any]:
    path = f"/v1/apps/{manifest.app_id}/versions"
    known = city.find(f"{path}/{manifest.version.code}")
    if known is None:
        version: dict[str, Any] = city.post(path, content=document)
        click.echo(f"已建版本 declared version {version['code']}")
        return version
    version = known["version"]
    if version["manifest_hash"] != manifest_hash(document):
        raise click.ClickException(
            f"版本 {version['code']} 已是另一份清单，请提高 version.code: "
            f"version {version['code']} is another manifest already; a version never changes, raise version.code."
        )
    return version


def _hand_in(city: City, version: dict[str, Any], report: ConformanceReport) -> None:
    """The same report twice is kept once."""
    city.post(f"{path_of(version)}/conformance", content=msgspec.json.encode(report))
    click.echo(f"已交报告 handed in the report {report_hash(report).hex()} ({report.outcome})")


def _have_it_tried(city: City, version: dict[str, Any]) -> None:
    """By the city's own sandbox; told and handed over whatever comes of it, for the reviewer sees it too."""
    run = city.post(f"{path_of(version)}/conformance/runs")
    deadline = time.monotonic() + CHECKED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        for kept in city.get(f"{path_of(version)}/conformance")["items"]:
            if kept["made_by"] == "city" and kept["recorded_at"] > run["asked_at"]:
                click.echo(f"本市沙箱复测 the city's sandbox says: {kept['outcome']}, sha-256 {kept['sha256']}")
                return
        time.sleep(LOOK_EVERY_SECONDS)
    click.echo("本市沙箱没有结果，测试服务器在运行吗 no answer in the sandbox: does your test server run?", err=True)


def _submit(city: City, version: dict[str, Any]) -> dict[str, Any]:
    if version["state"] == "draft":
        version = city.post(f"{path_of(version)}/submit")
    deadline = time.monotonic() + CHECKED_WITHIN_SECONDS
    while version["state"] in UNDER_WAY and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_SECONDS)
        version = city.get(path_of(version))["version"]
    return version


def path_of(version: dict[str, Any]) -> str:
    """Where the version stands in the API."""
    return f"/v1/apps/{version['app_id']}/versions/{version['code']}"


def tell_version(version: dict[str, Any]) -> None:
    """State, clock and findings, for a person."""
    due = f", due {version['review_due_at']}" if version["review_due_at"] else ""
    click.echo(f"版本 version {version['code']} ({version['name']}): {version['state']}{due}")
    for finding in version["findings"]:
        message = finding["message"]
        click.echo(f"  {finding['severity']} {finding['at']} {finding['code']}: {message['zh']} / {message['en']}")
