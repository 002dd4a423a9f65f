"""`suishen miniapp`: for a department's developers, on their own machine. Needs no database and none of our servers.

Only `submit` and `status` talk to a city, and only to the one they are told.
"""

import click

from miniapps.cli.emergencies import emergency, prove_deletion
from miniapps.cli.going_live import publish, review
from miniapps.cli.handing_in import status, submit
from miniapps.cli.playing import sandbox
from miniapps.cli.trying import test
from miniapps.cli.writing import init, lint, schema

EXAMPLES = """\b
suishen miniapp init my-department       a department that runs
suishen miniapp lint manifest.json       what is wrong with a manifest
suishen miniapp test manifest.json -- python department.py --port {port} --issuer {issuer}
suishen miniapp sandbox manifest.json    call your server in a browser, as citizens who do not exist
suishen miniapp submit manifest.json --report report.json --city https://id.example.cn --username NAME
suishen miniapp schema > schema.json     JSON Schema of ssb-manifest/1, for an editor
"""


@click.group(name="miniapp", epilog=EXAMPLES)
def miniapp() -> None:
    """Write, check and describe a mini-app."""


for command in (init, lint, sandbox, test, submit, status, review, publish, schema, emergency, prove_deletion):
    miniapp.add_command(command)
