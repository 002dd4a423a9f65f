"""`python -m miniapps.cli`: the department's commands without the rest of the product."""

from miniapps.cli import miniapp

if __name__ == "__main__":
    miniapp(prog_name="suishen miniapp")
