"""Issuers and doors over HTTP, with real tables and real scans."""

from tests.codes.counters.form_tickets.conftest import city, desk

__all__ = ["city", "desk"]
