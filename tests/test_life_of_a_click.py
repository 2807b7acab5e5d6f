"""The whole way, as an outside program sees it: API → print → socket → spool → report."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from service import free_ports, wait_until

from linkservice.config import Settings

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
DESKTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
WHATSAPP = "WhatsApp/2.23.20.0 A"


class Product:
    """An installation, spoken to through its two ports and its command line."""

    def __init__(self, settings: Settings) -> None:
        self.port, self.link_port = free_ports()
        self.environ = {
            name: value for name, value in os.environ.items() if not name.startswith("LINKSERVICE_")
        } | {
            "LINKSERVICE_DATA_DIR": str(settings.data_dir),
            "LINKSERVICE_DATABASE_URL": settings.database_url,
            "LINKSERVICE_BASE_URL": f"http://127.0.0.1:{self.port}",
            "LINKSERVICE_LINK_URL": f"http://127.0.0.1:{self.link_port}",
        }
        self.key = self.cli("key", "add", "test").strip()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "linkservice", "serve"),
                *("--port", str(self.port), "--link-port", str(self.link_port)),
                # An edit is to reach every worker there is; that there are several, once.
                *("--workers", "1" if settings.database_url.startswith("sqlite") else "2"),
            ],
            env=self.environ,
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: self.alive(self.port) and self.alive(self.link_port))

    def cli(self, *words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "linkservice", *words],
            env=self.environ,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    def alive(self, port: int) -> bool:
        try:
            return self.request(port, "GET", "/healthz")[0] == 200
        except OSError:
            return False

    def request(
        self, port: int, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        # Also when nobody answers in time: a service starts slowly on a busy machine.
        with closing(connection):
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def api(self, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
        status, _, data = self.request(
            self.port,
            method,
            f"/api/v1/{path}",
            body,
            Authorization=f"Bearer {self.key}",
            Content_Type="application/json",
        )
        assert status == expect, data
        return data if path.partition("?")[0].endswith((".png", ".svg")) else json.loads(data)

    def click(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str]]:
        return self.request(self.link_port, method, path, **headers)[:2]


@pytest.fixture
def product(settings: Settings) -> Iterator[Product]:
    product = Product(settings)
    yield product
    product.process.send_signal(signal.SIGTERM)
    assert product.process.wait(60) == 0


def test_the_life_of_a_click(product: Product, tmp_path: Path) -> None:
    journey = product.api("POST", "journeys", {"name": "Shop", "template": "standard"}, 201)
    touchpoints = [touchpoint["id"] for touchpoint in journey["stages"][0]["touchpoints"][:3]]
    today = product.api("GET", "reports/touchpoints")["period"]["to"]
    reach = {"date": today, "amount": 1000, "unit": "printed"}
    for touchpoint_id in touchpoints:
        product.api("POST", f"touchpoints/{touchpoint_id}/reach", reach, 201)
    bulk = {"destination": "https://example.com/herbst?a=1", "touchpoint_ids": touchpoints}
    poster, flyer, letter = product.api("POST", "links/bulk", bulk, 201)["items"]

    # The printed code holds the scan URL, whoever decodes it.
    png = product.api("GET", f"links/{poster['id']}/qr.png?size_mm=30&dpi=300")
    (code,) = zxingcpp.read_barcodes(Image.open(BytesIO(png)))
    assert code.text == poster["scan_url"]
    scan_path = code.text.partition("/Q/")[1] + code.text.partition("/Q/")[2]

    # Poster: two scans of one phone, one click of a desktop; flyer: one private click.
    status, headers = product.click(scan_path, User_Agent=PHONE)
    assert (status, headers["location"]) == (302, "https://example.com/herbst?a=1")
    assert headers["cache-control"] == "private, no-store"
    product.click(scan_path, User_Agent=PHONE)
    product.click(f"/{poster['slug'].upper()}", User_Agent=DESKTOP)
    product.click(f"/{flyer['slug']}", User_Agent=PHONE, Sec_GPC="1")
    # Letter: nobody; a robot, a preview, a prefetch and a HEAD.
    product.click(f"/{letter['slug']}", User_Agent=GOOGLEBOT)
    product.click(f"/{letter['slug']}", User_Agent=WHATSAPP)
    product.click(f"/{letter['slug']}", User_Agent=PHONE, Sec_Purpose="prefetch")
    assert product.click(f"/{letter['slug']}", "HEAD", User_Agent=PHONE)[0] == 302
    assert product.click("/nothing-here", User_Agent=PHONE)[0] == 404
    assert product.click(f"/{poster['slug']}+", User_Agent=PHONE)[0] == 200
    # An edit is live within a second, in every worker.
    product.api("PATCH", f"links/{flyer['id']}", {"active": False})
    time.sleep(1)
    for _ in range(8):
        assert product.click(f"/{flyer['slug']}", User_Agent=PHONE)[0] == 410

    wanted = {
        "clicks": 4,
        "scans": 2,
        "visitors": 2,
        "journey_visitors": 2,
        "robots": 1,
        "previews": 1,
        "prefetches": 1,
        "scanners": 0,
        "suspected": 0,
        "heads": 1,
        "own": 0,
        "misses": 9,
        "unrecorded": 0,
    }

    def totals() -> dict[str, int]:
        found = product.api("GET", "reports/touchpoints")["totals"]
        return {name: found[name] for name in wanted}

    def all_are_there() -> bool:
        found = totals()
        return (found["misses"], found["clicks"]) == (9, 4)

    wait_until(all_are_there)
    assert totals() == wanted
    rows = {row["id"]: row for row in product.api("GET", "reports/touchpoints")["touchpoints"]}
    row = rows[touchpoints[0]]
    assert (row["clicks"], row["scans"], row["visitors"], row["tokenless"]) == (3, 2, 2, 0)
    assert (row["reach"], row["unit"], row["rate"]) == (1000, "printed", 0.002)
    assert rows[touchpoints[1]]["tokenless"] == 1
    assert rows[touchpoints[1]]["rate"] == 0.001

    # The command line tells the same, and the audit finds nothing missing.
    told = json.loads(product.cli("report", "touchpoints", "--format", "json"))
    report = product.api("GET", "reports/touchpoints")
    # How pages group and filter it is asked for in the address alone.
    assert told == {name: report[name] for name in report if name not in ("groups", "shown")}
    audit = json.loads(product.cli("audit", "--format", "json"))
    assert (audit["accepted"], audit["ingested"], audit["difference"]) == (17, 17, 0)
