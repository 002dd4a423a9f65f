"""A program that the tests of child processes run: it answers `/health`, fails, stays silent or refuses to leave."""

import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


class Health(BaseHTTPRequestHandler):
    """200 at `/health`, 404 elsewhere."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", port]:
            HTTPServer(("127.0.0.1", int(port)), Health).serve_forever()
        case ["fail"]:
            sys.exit("the tiny child cannot go on")
        case ["silent"]:
            time.sleep(60)
        case ["stubborn"]:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            sys.stderr.write("stubborn\n")
            time.sleep(60)
