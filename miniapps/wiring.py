"""Puts the registry of mini-apps together: its services, routers and the handler of its outbox topic."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar import Router
from litestar.di import Provide

from app.kit.floor import Floor
from app.kit.jobs import Job
from miniapps.catalogue import routes as catalogue_routes
from miniapps.onboarding import HANDLERS as ONBOARDING_HANDLERS
from miniapps.onboarding import Onboarding, build_onboarding
from miniapps.ports import NetworkPolicy, Organizations
from miniapps.registry import routes as registry_routes
from miniapps.registry.service import Registry
from miniapps.releases import routes as releases_routes
from miniapps.releases.checks import Checks
from miniapps.releases.clients import PublishedClients
from miniapps.releases.reviews import Reviews
from miniapps.releases.service import Releases
from miniapps.releases.versions import CHECK_TOPIC, Versions
from miniapps.rollouts import routes as rollouts_routes
from miniapps.rollouts.evidence import Evidence
from miniapps.rollouts.service import Rollouts
from miniapps.rollouts.watch import Watch
from miniapps.settings import MiniappsSettings
from miniapps.stewardship import HANDLERS, Stewardship, build_stewardship, due_of
from miniapps.testers import routes as testers_routes
from miniapps.testers.service import Testers


@dataclass(frozen=True, kw_only=True)
class MiniappsServices:
    """Everything the registry offers to the gateway and to the front door."""

    registry: Registry
    versions: Versions
    reviews: Reviews
    releases: Releases
    clients: PublishedClients
    checks: Checks
    evidence: Evidence
    rollouts: Rollouts
    watch: Watch
    testers: Testers
    stewardship: Stewardship
    onboarding: Onboarding


def build_miniapps(
    floor: Floor, settings: MiniappsSettings, *, organizations: Organizations, policy: NetworkPolicy
) -> MiniappsServices:
    """The registry on this floor, unopened."""
    releases, evidence = Releases(floor.clock), Evidence()
    dwell = timedelta(seconds=settings.gray_step_seconds)
    rollouts = Rollouts(releases, evidence, settings.zones, floor.clock, dwell=dwell)
    registry = Registry(organizations, floor.clock)
    stewardship = build_stewardship(floor, settings, registry=registry, releases=releases)
    evidence.count_ratings_by(stewardship.ratings)
    onboarding = build_onboarding(floor, settings, releases, stewardship.tellers)
    checks = Checks(floor.database, policy, floor.clock, due_of=due_of(settings), reports=onboarding.conformance)
    floor.outbox.handle(CHECK_TOPIC, checks.check_version)
    return MiniappsServices(
        registry=registry,
        versions=Versions(policy, settings.zones, stewardship.emergencies, floor.outbox, floor.clock),
        reviews=Reviews(stewardship.emergencies, floor.clock),
        releases=releases,
        clients=PublishedClients(releases, policy),
        checks=checks,
        evidence=evidence,
        rollouts=rollouts,
        watch=Watch(floor.database, rollouts, evidence, floor.clock),
        testers=Testers(floor.clock),
        stewardship=stewardship,
        onboarding=onboarding,
    )


def routers(services: MiniappsServices) -> list[Router]:
    """Every route of the registry, with its services."""
    provided: dict[str, Any] = {
        "registry": services.registry,
        "versions": services.versions,
        "reviews": services.reviews,
        "releases": services.releases,
        "rollouts": services.rollouts,
        "testers": services.testers,
        **services.stewardship.provided(),
        **services.onboarding.provided(),
    }
    return [
        Router(
            path="/",
            route_handlers=[
                registry_routes.router,
                releases_routes.router,
                rollouts_routes.router,
                testers_routes.router,
                catalogue_routes.router,
                *HANDLERS,
                *ONBOARDING_HANDLERS,
            ],
            dependencies={name: Provide(_always(value), sync_to_thread=False) for name, value in provided.items()},
        )
    ]


def background(services: MiniappsServices) -> list[Job]:
    """Watching what is on trial, and what falls due. Checks of versions are brought by the outbox."""
    return [
        Job(name="miniapps.watch", every_seconds=1, run=services.watch.look),
        *services.stewardship.jobs(),
        *services.onboarding.jobs(),
    ]


def _always(value: Any) -> Any:
    return lambda: value
