"""A person's own devices."""

from uuid import UUID

from litestar import Router, delete, get, post, put
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.devices.models import DeviceChallenge, DeviceView, EnrollDevice, NameDevice
from auth.devices.service import Devices
from auth.guards import person
from auth.principal import Principal


class DeviceList(Model):
    """All devices, oldest first; `next` is always null, since there are few."""

    items: list[DeviceView]
    next: str | None = None


@post("/v1/me/devices/challenges", summary="A nonce for enrolling a device", tags=["me"], guards=[person()])
async def challenge(
    connection: Injected[Connection], principal: Injected[Principal], devices: Injected[Devices], once: Injected[Once]
) -> DeviceChallenge:
    return await once(DeviceChallenge, lambda: devices.challenge(connection, principal))


@post("/v1/me/devices", summary="Enrol this device's key", tags=["me"], guards=[person()])
async def enroll_device(
    data: JSONBody[EnrollDevice],
    connection: Injected[Connection],
    principal: Injected[Principal],
    devices: Injected[Devices],
    once: Injected[Once],
) -> DeviceView:
    """Needs a proof of the last minutes, and more than a phone where you are known by more.

    Your first device ever is active at once; any other after its waiting time.
    """
    return await once(DeviceView, lambda: devices.enroll(connection, principal, data))


@get("/v1/me/devices", summary="My devices", tags=["me"])
async def list_my_devices(
    connection: Injected[Connection], principal: Injected[Principal], devices: Injected[Devices]
) -> DeviceList:
    return DeviceList(items=await devices.list_devices(connection, principal.subject_id))


@put("/v1/me/devices/{device_id:uuid}/name", summary="Give a device another name", tags=["me"], guards=[person()])
async def name_device(
    *,
    data: JSONBody[NameDevice],
    connection: Injected[Connection],
    principal: Injected[Principal],
    devices: Injected[Devices],
    once: Injected[Once],
    device_id: FromPath[UUID],
) -> DeviceView:
    """So that it is recognised in the list. Refusal: `device-unknown`."""
    return await once(DeviceView, lambda: devices.name_device(connection, principal, device_id, data))


@delete("/v1/me/devices/{device_id:uuid}", summary="Revoke a device", tags=["me"], status_code=200)
async def revoke_device(
    connection: Injected[Connection],
    principal: Injected[Principal],
    devices: Injected[Devices],
    once: Injected[Once],
    device_id: FromPath[UUID],
) -> DeviceView:
    """Needs a sign-in of the last minutes. Its codes stop being accepted with this, and its sessions end."""
    return await once(DeviceView, lambda: devices.revoke(connection, principal, device_id))


router = Router(
    path="/",
    route_handlers=[challenge, enroll_device, list_my_devices, name_device, revoke_device],
    guards=[person(unproven=True)],
)
