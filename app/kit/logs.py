"""Structured logs without personal data: event names, ids and counts; never names, numbers, phones or bodies."""

import logging

import structlog


def set_up_logs(log_format: str) -> None:
    """Configures structlog once for a process; `log_format` is "console" or "json"."""
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
