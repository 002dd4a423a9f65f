"""The citizen's code at a library's door: accepted once, and every trick refused by its own name."""

import asyncio
import shutil
import sys
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from app.demo.phone import HeldGrant
from app.demo.scanner import ScannerProgram
from app.demo.stage import Stage
from app.demo.story import StepFailed
from codes.envelope import cbor, cose
from codes.envelope.cose import ObjectType, external_aad
from codes.envelope.profiles import ES256, Signer
from codes.pictures import read_picture

LIBRARY_ENTRY, OFFICE_VISITOR, HOTEL = 301, 602, 601


async def play(stage: Stage) -> None:
    """Grants, pictures, verdicts."""
    stage.story.chapter("二、亮码与核验", "Showing and verifying")
    await _prepare(stage)
    await _accept_and_replay(stage)
    await _tricks(stage)
    await _offline(stage)
    await _records(stage)


async def revoke_device(stage: Stage) -> None:
    """The last act: the phone is lost, its codes end."""
    story, phone, scanner = stage.story, stage.citizen, stage.scanners[0]
    with story.step("手机丢失：注销设备，其码立即失效", "the phone is lost: its codes end at once") as step:
        await phone.call("DELETE", f"/v1/me/devices/{phone.device_id}")
        result = await scanner.verify(phone.present(stage.grants[5], LIBRARY_ENTRY), LIBRARY_ENTRY)
        step.expect((result["verdict"], result["reason"]), ("REJECT", "REVOKED"))


async def _prepare(stage: Stage) -> None:
    story = stage.story
    with story.step("一次领取 8 份码凭证（8 把新密钥）", "eight grants for eight fresh keys, in one call") as step:
        stage.grants = await stage.citizen.fetch_grants()
        step.expect(len({grant.data for grant in stage.grants}), 8, "grants")
    with story.step("登记两台扫码设备", "two scanners are enrolled at the library") as step:
        official = await stage.staff.sign_in(stage.http, "demo-library-scanners")
        library = stage.staff.organization_of("demo-library-scanners")
        stage.scanners = [ScannerProgram(stage.http, name) for name in ("东门一号", "西门二号")]
        for scanner in stage.scanners:
            await scanner.enrol(official, library, f"演示图书馆{scanner.name[:2]}", [LIBRARY_ENTRY, OFFICE_VISITOR])
        step.saw("each with a key of its own")


async def _accept_and_replay(stage: Stage) -> None:
    story, phone, (east, west) = stage.story, stage.citizen, stage.scanners
    with story.step("手机签名亮码；扫码枪读图核验", "the phone signs; the scanner reads the picture") as step:
        picture = stage.draw("personal-code", phone.present(stage.grants[0], LIBRARY_ENTRY))
        text = read_picture(picture)
        result = await east.verify(text, LIBRARY_ENTRY)
        step.expect((result["verdict"], result["reason"]), ("ACCEPT", "OK"))
        _disclosed_only(result, {"openid", "entitlements"})
        step.saw(f"ACCEPT, disclosed only {sorted(result['disclosed'])}")
    with story.step("另一台设备再扫同一张码", "another scanner, the same picture") as step:
        await _refused(step, west, text, LIBRARY_ENTRY, "REPLAYED")
    with story.step("访客场景：只给姓名与手机尾号", "office visitor: name and phone's last digits only") as step:
        result = await west.verify(phone.present(stage.grants[1], OFFICE_VISITOR), OFFICE_VISITOR)
        step.expect((result["verdict"], result["reason"]), ("ACCEPT", "OK"))
        _disclosed_only(result, {"display_name", "full_name", "phone_tail", "openid"})
        step.saw(f"ACCEPT, disclosed only {sorted(result['disclosed'])}")


async def _tricks(stage: Stage) -> None:
    story, phone, east = stage.story, stage.citizen, stage.scanners[0]
    tricks = (
        ("截图 60 秒后再用", "a picture that is a minute old", "aged", _aged, "STALE_CODE"),
        ("自己冒充发码机关", "a forged issuer", "forged", _forged, "BAD_ISSUER_SIGNATURE"),
        ("换上别人的码凭证", "a swapped grant", "swapped", _swapped, "BAD_DEVICE_SIGNATURE"),
        ("为酒店场景亮的码", "a code opened for another scenario", "other-scenario", _other, "SCENARIO_MISMATCH"),
        ("不是码的图片", "a picture of something else", "nonsense", lambda _stage: "HELLO", "MALFORMED"),
    )
    for zh, en, name, trick, reason in tricks:
        with story.step(zh, en) as step:
            text = read_picture(stage.draw(name, trick(stage)))
            await _refused(step, east, text, LIBRARY_ENTRY, reason)
    with story.step("设备未登记的场景", "a scenario this scanner is not enrolled for") as step:
        await _refused(step, east, phone.present(stage.grants[2], HOTEL), HOTEL, "SCANNER_NOT_ALLOWED")


def _aged(stage: Stage) -> str:
    return stage.citizen.present(stage.grants[2], LIBRARY_ENTRY, age_seconds=60)


def _other(stage: Stage) -> str:
    return stage.citizen.present(stage.grants[2], HOTEL)


def _forged(stage: Stage) -> str:
    """The claims and the key id of a true grant, signed by somebody else."""
    phone, grant = stage.citizen, stage.grants[3]
    true = cose.parse_sign1(cbor.TAG_COSE_SIGN1 + grant.data)
    impostor = Signer(profile=ES256, private_key=ec.generate_private_key(ec.SECP256R1()))
    aad = external_aad(ObjectType.GRANT, phone.environment)
    false = cose.sign_parts(true.protected_bytes, true.payload, impostor, aad)
    return phone.present(HeldGrant(grant.key, false, grant.expires_at), LIBRARY_ENTRY)


def _swapped(stage: Stage) -> str:
    """One grant under the signature of another grant's key."""
    phone = stage.citizen
    return phone.present(
        HeldGrant(stage.grants[3].key, stage.grants[4].data, stage.grants[4].expires_at), LIBRARY_ENTRY
    )


async def _offline(stage: Stage) -> None:
    lists = stage.pictures / "offline-lists"
    with stage.story.step("断网核验：只用名单文件", "offline: by lists in files, no server, no database") as step:
        shutil.rmtree(lists, ignore_errors=True)  # each run is another address, which the root file names
        await _suishen("pull-lists", str(lists), "--origin", stage.settings.public_origin)
        picture = stage.draw("offline-code", stage.citizen.present(stage.grants[6], LIBRARY_ENTRY))
        said = await _suishen(
            "verify-offline", "--picture", str(picture), "--lists", str(lists), "--scenario", str(LIBRARY_ENTRY)
        )
        result = msgspec.json.decode(said)
        step.expect((result["verdict"], result["reason"], result["mode"]), ("ACCEPT", "OK", "offline"))
        freshness = result["freshness"]
        step.saw(f"ACCEPT offline, trust list {freshness['trust_list_version']}: {freshness['trust_list_age_s']} s old")


async def _suishen(*arguments: str) -> bytes:
    """What the command line prints, run as a process of its own that knows no server and no database."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, complained = await process.communicate()
    if process.returncode:
        raise StepFailed(f"suishen {arguments[0]}: {printed.decode()}{complained.decode()}")
    return printed


async def _records(stage: Stage) -> None:
    with stage.story.step("用码记录：谁扫过我、看到了什么", "the citizen reads who scanned, and what they saw") as step:
        page = await stage.citizen.call("GET", "/v1/codes/scans")
        accepted = [scan for scan in page["items"] if scan["verdict"] == "ACCEPT"]
        step.expect(len(accepted) >= len(stage.scanners), True, "accepted scans")
        step.saw(f"{len(page['items'])} records, the last by {accepted[0]['scanner']['site']}")


async def _refused(step: Any, scanner: ScannerProgram, text: str, scenario: int, reason: str) -> None:
    result = await scanner.verify(text, scenario)
    step.expect(result["reason"], reason)
    step.expect(bool(result["disclosed"]), False, "disclosed on a refusal")
    step.saw(f"{result['verdict']} {reason}")


def _disclosed_only(result: dict[str, Any], allowed: set[str]) -> None:
    beyond = set(result["disclosed"]) - allowed
    if beyond:
        raise AssertionError(f"disclosed beyond the scenario: {beyond}")
