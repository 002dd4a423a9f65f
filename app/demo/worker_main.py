"""`python -m app.demo.worker_main`: the server alone, by its environment, to be started and killed by others."""

import os

from app.demo.serving import TARGET
from app.serve import serve
from app.settings import read_settings

if __name__ == "__main__":
    settings = read_settings(os.environ)
    serve(host=settings.host, port=settings.port, workers=settings.workers, target=TARGET)
