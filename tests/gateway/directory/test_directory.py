"""The list of services and the search over HTTP: for everybody the same, for a citizen as they are served."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from app.kit.ids import new_id
from app.main import House, build_house
from app.settings import Settings, SettingsInvalid
from gateway.snapshot import RouteSnapshot, compile_snapshot
from miniapps.catalogue.search import Hit, SearchIndex
from miniapps.releases.models import GrayApp, PublishedApp
from tests.gateway.publications import SUSPENSION, published
from tests.gateway.test_routes import sign_in


def expose(house: House, *apps: PublishedApp | GrayApp) -> None:
    """As the registry would: what is exposed, and the snapshot of it."""
    table = house.packages.gateway.table
    table.exposed, table.loaded = apps, True
    table.snapshot = compile_snapshot(apps, RouteSnapshot()).snapshot


def service(label: str, **changes: Any) -> PublishedApp:
    facts: dict[str, Any] = {"app_id": f"cn.example.{label}", "name": {"zh": label, "en": label}}
    return published(**(facts | changes))


async def refreshed(house: House) -> None:
    await house.packages.gateway.directory.refresh()


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["app_id"].removeprefix("cn.example.") for item in answer.json()["items"]]


def found(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["service"]["app_id"].removeprefix("cn.example.") for item in answer.json()["items"]]


async def test_services_are_open_and_show_suspensions(client: httpx.AsyncClient, house: House) -> None:
    expose(house, service("library", row=SUSPENSION), service("archive", accessibility={"elder_mode": True}))
    answer = await client.get("/v1/services")
    archive, library = answer.json()["items"]
    assert answer.headers["cache-control"] == "no-cache"
    assert (archive["state"], archive["reason"], archive["fallback"]) == ("active", None, None)
    assert (archive["elder_ready"], library["elder_ready"]) == (True, False)
    assert (library["state"], library["reason"]["en"]) == ("suspended", "Maintenance")
    assert library["entry"] == "ssb://miniapp/cn.example.library/"
    assert "contacts" not in library


async def test_services_name_where_their_own_pages_stand(client: httpx.AsyncClient, house: House) -> None:
    pages = {"base_url": {"live": "http://127.0.0.1:9101"}, "routes": [], "pages": {"path": "/site"}}
    now, soon = (service("library", backend=pages, version={"code": code, "name": "1"}) for code in (1, 2))
    stranger, tester = client.headers.copy(), sign_in(client, house)
    trial = GrayApp(app=soon, percent=0, testers=frozenset({tester.subject_id}))
    expose(house, service("archive"), now, trial)
    apps_host = house.packages.gateway.settings.apps_host
    for label in (f"cn-example-library---{soon.release_id.hex[-12:]}", "cn-example-library"):
        archive, library = (await client.get("/v1/services")).json()["items"]
        assert (archive["pages"], library["pages"]) == (None, f"http://{label}.{apps_host}/")
        (result,) = (await client.get("/v1/search", params={"q": "library"})).json()["items"]
        assert result["service"]["pages"] == library["pages"]
        client.headers = stranger


async def test_services_are_read_page_by_page(client: httpx.AsyncClient, house: House) -> None:
    expose(house, *(service(f"app{number}") for number in range(3)))
    first = await client.get("/v1/services", params={"limit": 2})
    second = await client.get("/v1/services", params={"limit": 2, "after": first.json()["next"]})
    assert ids(first) + ids(second) == ["app0", "app1", "app2"]
    assert second.json()["next"] is None


async def test_services_come_again_only_when_they_changed(client: httpx.AsyncClient, house: House) -> None:
    expose(house, service("library"))
    etag = (await client.get("/v1/services")).headers["etag"]
    for header in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = await client.get("/v1/services", headers={"if-none-match": header})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    expose(house, service("library", row=SUSPENSION))
    await refreshed(house)
    changed = await client.get("/v1/services", headers={"if-none-match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


WRONG = [
    *("services?" + query for query in ("limit=0", "limit=201", "limit=x", "after=%00", "after=%E4%B9%A6", "after=A")),
    *("services?" + query for query in ("zone=1", "zone=%00", "zone=199999", "zone=310000", "subject=")),
    "services?life_event=" + "x" * 65,
    *("search?" + query for query in ("", "q=", "q=a&limit=0", "q=a&limit=51", "q=a&zone=1", "q=a&zone=199999")),
    *("search?q=" + query for query in ("x" * 65, "%00", "a%0a", "a%00b")),
]


async def test_wrong_parameters_are_refused(client: httpx.AsyncClient) -> None:
    for query in WRONG:
        answer = await client.get(f"/v1/{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), query


async def test_services_of_a_zone_a_subject_and_a_life_event(client: httpx.AsyncClient, house: House) -> None:
    expose(
        house,
        service("city", subjects=["文化"], life_events=["退休"]),
        service("district", zones=["190101"], subjects=["文化"]),
        service("street", zones=["190101001", "190102"]),
    )
    for zone, names in (
        ("190000", ["city"]),
        ("190101", ["city", "district"]),
        ("190101001001", ["city", "district", "street"]),
        ("190102003", ["city", "street"]),
    ):
        assert ids(await client.get("/v1/services", params={"zone": zone})) == names
    assert ids(await client.get("/v1/services", params={"subject": "文化", "zone": "190102"})) == ["city"]
    assert ids(await client.get("/v1/services", params={"life_event": "退休"})) == ["city"]
    assert ids(await client.get("/v1/services", params={"subject": "文"})) == []


async def test_a_directory_entry_is_listed_and_found_but_not_called(client: httpx.AsyncClient, house: House) -> None:
    link = service("tax", kind="directory", backend=None, data={}, link="https://tax.example.cn/")
    expose(house, link)
    (item,) = (await client.get("/v1/services")).json()["items"]
    assert (item["kind"], item["entry"]) == ("directory", "https://tax.example.cn/")
    assert found(await client.get("/v1/search", params={"q": "tax"})) == ["tax"]
    sign_in(client, house)
    assert (await client.put("/v1/home/pins/cn.example.tax")).status_code == 404


async def test_a_gray_release_is_told_of_to_those_whom_it_serves_alone(client: httpx.AsyncClient, house: House) -> None:
    now = service("library", name={"zh": "老图书馆", "en": "Old"})
    soon = service("library", name={"zh": "新图书馆", "en": "New"}, version={"code": 2, "name": "2"})
    soon = msgspec.structs.replace(soon, version_code=2)
    fresh = service("fresh", name={"zh": "新书", "en": "Fresh"})
    tester = sign_in(client, house)
    testers = frozenset({tester.subject_id})
    expose(house, now, GrayApp(app=soon, percent=0, testers=testers), GrayApp(app=fresh, percent=0, testers=testers))

    async def names() -> list[str]:
        return [item["name"]["en"] for item in (await client.get("/v1/services")).json()["items"]]

    assert await names() == ["Fresh", "New"]
    assert found(await client.get("/v1/search", params={"q": "新"})) == ["fresh", "library"]
    assert (await client.get("/v1/services")).headers["cache-control"] == "private, no-cache"
    sign_in(client, house)
    assert await names() == ["Old"]
    assert found(await client.get("/v1/search", params={"q": "新"})) == []
    del client.headers["authorization"]
    assert await names() == ["Old"]
    assert found(await client.get("/v1/search", params={"q": "老"})) == ["library"]


async def test_nobodys_page_is_given_to_who_may_be_a_numbers_new_holder(
    client: httpx.AsyncClient, house: House
) -> None:
    holder = new_id()
    gray = GrayApp(app=service("fresh"), percent=0, testers=frozenset({holder}))
    expose(house, gray)
    sign_in(client, house, subject_id=holder, holder_id=holder)
    assert ids(await client.get("/v1/services")) == ["fresh"]
    sign_in(client, house, subject_id=holder, holder_id=holder, unproven=True)
    assert ids(await client.get("/v1/services")) == []


async def test_services_refuse_a_bad_token_instead_of_forgetting_who_asks(client: httpx.AsyncClient) -> None:
    for path in ("/v1/services", "/v1/search?q=a"):
        assert (await client.get(path, headers={"authorization": "Bearer bad"})).status_code == 401


async def test_search_explains_itself(client: httpx.AsyncClient, house: House) -> None:
    expose(house, service("library", name={"zh": "市图书馆", "en": "City library"}, keywords=["借书", "读者证"]))
    answer = await client.get("/v1/search", params={"q": "tsg 读者"})
    assert answer.json()["items"][0]["why"] == [
        {"field": "short_name", "how": "initials", "text": "图书馆"},
        {"field": "keyword", "how": "text", "text": "读者证"},
    ]
    assert answer.json()["total"] == 1


async def test_search_prefers_what_is_near_among_equals(client: httpx.AsyncClient, house: House) -> None:
    same = {"name": {"zh": "婚姻登记", "en": "Marriage"}}
    expose(
        house,
        service("a", **same),
        service("b", **same, zones=["190102"]),
        service("c", **same, row=SUSPENSION, zones=["190102"]),
    )
    assert found(await client.get("/v1/search", params={"q": "婚姻"})) == ["a", "b", "c"]
    assert found(await client.get("/v1/search", params={"q": "婚姻", "zone": "190102"})) == ["b", "a", "c"]
    assert found(await client.get("/v1/search", params={"q": "婚姻", "zone": "190101"})) == ["a"]
    sign_in(client, house)
    await client.put("/v1/home/choice", json={"zone": "190102001"})
    assert found(await client.get("/v1/search", params={"q": "婚姻"})) == ["b", "a", "c"]


async def test_questions_are_not_logged(
    client: httpx.AsyncClient, house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    expose(house, service("library"))
    await client.get("/v1/search", params={"q": "canaryquestion"})
    await client.get("/v1/search", params={"q": "canaryquestion", "zone": "199999"})
    said = capfd.readouterr()
    assert "canary" not in said.out + said.err


async def test_the_catalogue_follows_what_is_exposed(client: httpx.AsyncClient, house: House) -> None:
    expose(house, service("one"))
    assert ids(await client.get("/v1/services")) == ["one"]
    expose(house, service("one"), service("two"))
    await refreshed(house)
    assert ids(await client.get("/v1/services")) == ["one", "two"]
    expose(house)
    assert ids(await client.get("/v1/services")) == []  # withdrawn: not even until the catalogue is built anew


def test_a_start_with_an_unreadable_map_is_refused_with_every_mistake(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "zones.toml"
    rows = ("190000", "190000", "19")
    file.write_text("".join(f'[[zones]]\ncode = "{code}"\nzh = "某地"\nen = "A place"\n' for code in rows), "utf-8")
    with pytest.raises(SettingsInvalid) as refused:
        build_house(msgspec.structs.replace(settings, zones_file=str(file)))
    assert len(refused.value.mistakes) == 2
    assert all(mistake.startswith("SUISHEN_ZONES_FILE: ") for mistake in refused.value.mistakes)


async def test_questions_take_turns(client: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes long holds the interpreter in its thread too: many at once would slow down everything else."""
    expose(house, service("library"))
    await refreshed(house)
    under_way, most = [0], [0]

    def search(_index: SearchIndex, _query: str) -> list[Hit]:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.02)
        under_way[0] -= 1
        return []

    monkeypatch.setattr(SearchIndex, "search", search)
    answers = await asyncio.gather(*(client.get("/v1/search", params={"q": "library"}) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert most == [1]
