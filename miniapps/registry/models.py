"""A mini-app as the registry knows it: whose it is, and whether citizens may use it. Its content is in versions."""

from datetime import datetime
from uuid import UUID

from app.kit.structs import Model, Request, Text
from miniapps.manifest.models import AppId, LocalText
from miniapps.states import AppState

CHANNEL = "miniapps_release"
"""Notified, with the app id, whenever something that citizens could see changes."""


class Suspension(Model):
    """Why a mini-app rests, and what the citizen can do instead."""

    reason: Text
    fallback: Text
    at: datetime


class App(Model):
    """A registered mini-app."""

    app_id: str
    organization_id: UUID
    organization_name: str
    organization_credit_code: str
    state: AppState
    registered_by: UUID
    registered_at: datetime
    suspension: Suspension | None


class RegisterApp(Request):
    """Reserves an app id for a department, for ever."""

    app_id: AppId


class SuspendApp(Request):
    """Takes a mini-app away; citizens read both texts."""

    reason: LocalText
    fallback: LocalText


class ResumeApp(Request):
    """Gives a mini-app back; the reason stands in the audit log."""

    reason: LocalText


class AppView(Model):
    """A mini-app as staff see it."""

    app_id: str
    organization_id: UUID
    organization_name: str
    state: AppState
    registered_at: datetime
    suspension: Suspension | None


class AppList(Model):
    """A department's mini-apps in the order of their ids; `next` is the id to go on after."""

    items: list[AppView]
    next: str | None


def app_view(app: App) -> AppView:
    """What staff see of `app`."""
    return AppView(
        app_id=app.app_id,
        organization_id=app.organization_id,
        organization_name=app.organization_name,
        state=app.state,
        registered_at=app.registered_at,
        suspension=app.suspension,
    )
