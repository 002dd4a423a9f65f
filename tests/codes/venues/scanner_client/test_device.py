"""A device's key stays its own, and what it signs is what the city wants."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from codes.venues.scanner_client.device import DeviceUnreadable, ScannerDevice
from codes.venues.scanners.guards import authority_of
from tests.codes.door_city import Doors
from tests.codes.enterprise_city import LIBRARY, ORIGIN

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_save_and_read_give_the_same_device_to_nobody_else(tmp_path: Path) -> None:
    path, device = tmp_path / "device.json", ScannerDevice.make("https://city.example/")
    device.id = uuid4()
    device.save(path)
    found = ScannerDevice.read(path)
    assert (found.origin, found.id) == ("https://city.example", device.id)
    assert found.key.private_numbers() == device.key.private_numbers()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["device.json"], "no draft is left"


def test_a_saved_file_that_others_could_read_is_narrowed(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    path.write_text("{}")
    path.chmod(0o644)
    ScannerDevice.make("https://city.example").save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@given(st.binary(max_size=200))
def test_any_other_file_is_refused_by_name(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("device") / "device.json"
    path.write_bytes(content)
    with pytest.raises(DeviceUnreadable):
        ScannerDevice.read(path)


@pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)])
def test_a_key_of_another_kind_is_refused(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().replace("\n", "\\n")
    (tmp_path / "device.json").write_text(f'{{"origin":"https://c","scanner_id":null,"private_key":"{pem}"}}')
    with pytest.raises(DeviceUnreadable):
        ScannerDevice.read(tmp_path / "device.json")


def test_a_device_that_nobody_enrolled_signs_nothing() -> None:
    with pytest.raises(RuntimeError):
        ScannerDevice.make(ORIGIN).signed_headers("GET", "/v1/scanners/me", b"", NOW)


def test_no_two_requests_are_signed_alike() -> None:
    device = ScannerDevice.make(ORIGIN)
    device.id = uuid4()
    headers = [device.signed_headers("POST", "/v1/verifications", b"{}", NOW) for _ in range(50)]
    assert len({each["signature-input"] for each in headers}) == 50


@pytest.mark.parametrize(
    "origin",
    [
        "https://City.Example",
        "https://city.example:443",
        "https://city.example:8443",
        "http://c:80",
        "http://[::1]:8000",
    ],
)
def test_device_and_city_write_the_authority_alike(origin: str) -> None:
    assert ScannerDevice.make(origin)._authority == authority_of(origin)


async def test_what_it_signs_enrols_it_and_lets_it_ask(doors: Doors) -> None:
    device = ScannerDevice.make(ORIGIN)
    body = {"organization_id": str(LIBRARY), "site": {"name": "总馆", "address": "演示路 1 号"}, "device_name": "一号"}
    body |= {"scenarios": [301]} | device.enrolment(str(LIBRARY), doors.clock.now())
    enrolled = await doors.as_registrar("POST", "/v1/scanners", json=body)
    assert enrolled.status_code == 201, enrolled.text
    device.id = enrolled.json()["id"]
    answer = await ask(doors, device)
    assert (answer.status_code, answer.json()["id"]) == (200, device.id)
    assert (await ask(doors, device, query="?a=%E4%B8%AD")).status_code == 200


async def test_a_proof_for_another_organization_does_not_enrol(doors: Doors) -> None:
    device = ScannerDevice.make(ORIGIN)
    body = {"organization_id": str(LIBRARY), "site": {"name": "总馆", "address": "演示路 1 号"}, "device_name": "一号"}
    body |= {"scenarios": [301]} | device.enrolment(str(uuid4()), doors.clock.now())
    answer = await doors.as_registrar("POST", "/v1/scanners", json=body)
    assert answer.json()["type"] == "/problems/scanner-proof-invalid"


async def ask(doors: Doors, device: ScannerDevice, query: str = "") -> httpx.Response:
    path = "/v1/scanners/me"
    headers = device.signed_headers("GET", path, b"", doors.clock.now(), query)
    return await doors.http.get(path + query, headers=headers)
