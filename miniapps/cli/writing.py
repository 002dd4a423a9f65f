"""Writing a mini-app down: a department that runs, what is wrong with its manifest, and the manifest's schema.

Talks to nobody.
"""

import json
import sys
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from auth.documents import credit_code_is_valid, make_synthetic_credit_code
from miniapps.conformance.models import ConformanceReport
from miniapps.manifest import (
    Finding,
    ManifestUnreadable,
    json_schema,
    lint_manifest,
    manifest_hash,
    parse_manifest,
    refusals,
)
from miniapps.manifest.lint import warning

TEMPLATE = ("manifest.json", "department.py", "check_department.py", "README.md")
OUR_SDK, THEIR_SDK = "miniapps.sdk", "suishen_department"
UNREADABLE = 2


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--app-id", default="cn.example.hello", show_default=True, help="Reverse domain name, for ever.")
@click.option("--org-code", help="Your organization's credit code; by default one that nobody has.")
@click.option("--org-name", help="Its registered name, as citizens and reviewers read it.")
def init(directory: Path, app_id: str, org_code: str | None, org_name: str | None) -> None:
    """Makes DIRECTORY with a department that runs, its manifest and its checks."""
    document = _template_manifest(app_id, org_code or make_synthetic_credit_code(sequence=1), org_name)
    taken = [name for name in TEMPLATE if (directory / name).exists()]
    if taken:
        raise click.ClickException(f"{directory} already has {', '.join(taken)}; nothing was changed.")
    directory.mkdir(parents=True, exist_ok=True)
    for name in TEMPLATE:
        text = document if name == "manifest.json" else _template(name)
        (directory / name).write_text(text, encoding="utf-8")
        click.echo(directory / name)


@click.command()
@click.argument("manifest", type=click.File("rb"))
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your conformance report: say also whether it is missing, failed, or older than the manifest.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def lint(manifest: BinaryIO, report: Path | None, *, as_json: bool) -> None:
    """Says what is wrong with MANIFEST ("-" reads standard input).

    Exits with 0 when it can be handed in, 1 when it would be refused, 2 when it cannot be read.
    """
    document = manifest.read()
    try:
        findings = [*lint_manifest(parse_manifest(document)), *_judge_report(report, document)]
    except ManifestUnreadable as error:
        click.echo(f"无法读取 unreadable: {error.reason}", err=True)
        sys.exit(UNREADABLE)
    _tell(findings, as_json=as_json)
    if refusals(findings):
        sys.exit(1)
    click.echo(f"sha-256 {manifest_hash(document)}", err=as_json)


@click.command()
def schema() -> None:
    """Prints the JSON Schema (2020-12) of ssb-manifest/1."""
    click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))


def _tell(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(findings))
        return
    for finding in findings:
        click.echo(f"{finding.severity} {finding.at} {finding.code}: {finding.message.zh} / {finding.message.en}")


def _judge_report(path: Path | None, document: bytes) -> list[Finding]:
    """Warnings only: a manifest is sound or not whatever somebody said of a server."""
    if path is None:
        return []
    if not path.exists():
        return [warning("conformance-missing", "/backend", "没有符合性报告", "There is no conformance report")]
    try:
        report = msgspec.json.decode(path.read_bytes(), type=ConformanceReport)
    except msgspec.MsgspecError as error:
        return [warning("conformance-unreadable", "/backend", "符合性报告无法读取", f"No conformance report: {error}")]
    if report.manifest_hash != manifest_hash(document):
        return [
            warning(
                "conformance-outdated",
                "/backend",
                "符合性报告早于清单",
                "The report is older than the manifest: test again",
            )
        ]
    if report.outcome == "failed":
        return [warning("conformance-failed", "/backend", "符合性报告未通过", "The conformance report says failed")]
    return []


def _template(name: str) -> str:
    text = resources.files("miniapps.template").joinpath(name).read_text(encoding="utf-8")
    text = text.replace("miniapps.template.department", "department")
    # A department installs the SDK by its own name; who works inside the city's repository has it here.
    return text.replace(OUR_SDK, THEIR_SDK) if find_spec(THEIR_SDK) else text


def _template_manifest(app_id: str, org_code: str, org_name: str | None) -> str:
    if not credit_code_is_valid(org_code):
        raise click.BadParameter("Not a valid unified social credit code.", param_hint="--org-code")
    document = json.loads(_template("manifest.json"))
    document["app_id"] = app_id
    document["owner"]["org_code"] = org_code
    document["owner"]["org_name"] = org_name or document["owner"]["org_name"]
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    try:
        parse_manifest(text.encode())
    except ManifestUnreadable as error:
        raise click.BadParameter(error.reason, param_hint="--app-id or --org-name") from None
    return text
