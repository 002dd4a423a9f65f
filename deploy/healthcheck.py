"""Leaves with 0 when the server of this container says that it is ready, else with 1. Needs no package."""  # noqa: INP001 - a program of its own, not a package

import http.client
import os
import sys
from http import HTTPStatus


def is_ready(port: int) -> bool:
    """Asks `/health/ready` on the loopback interface."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_ready(int(os.environ.get("SUISHEN_PORT", "8000"))) else 1)
