"""Both doors in one application: which host and path is whose."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cast import make_home, make_link
from werkzeug.test import Client, TestResponse

from linkservice.app import create_wsgi
from linkservice.config import PREFIX, Settings, load
from linkservice.database import Database

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

ROOT = Path(__file__).parent.parent


@contextmanager
def joined(settings: Settings, base_url: str, link_url: str) -> Iterator[Client]:
    """Both doors, with a link `sommer` on the default domain and on go.marke.example."""
    settings = load({}, data_dir=settings.data_dir, base_url=base_url, link_url=link_url)
    database = Database(settings.database_url)
    with database.transaction() as session:
        home = make_home(session, settings)
        make_link(session, settings, home, "sommer")
        branded = make_home(session, settings, host="go.marke.example")
        make_link(session, settings, branded, "sommer")
    database.close()
    application = create_wsgi(settings)
    yield Client(application)
    application.close()


def asked(client: Client, host: str, path: str) -> TestResponse:
    return client.get(path, headers={"Host": host})


def is_start_page(answer: TestResponse) -> bool:
    return (answer.status_code, answer.location) == (303, "/app/")


def test_the_app_answers_on_its_own_host(settings: Settings) -> None:
    with joined(settings, "https://app.example", "https://go.example") as client:
        assert asked(client, "app.example", "/api/v1/links").status_code == 401
        assert asked(client, "APP.example:443", "/readyz").status_code == 200
        assert is_start_page(asked(client, "app.example", "/"))
        assert asked(client, "app.example", "/sommer").status_code == 404


def test_every_other_host_is_the_link_doors(settings: Settings) -> None:
    with joined(settings, "https://app.example", "https://go.example") as client:
        for host in ("go.example", "go.marke.example"):
            answer = asked(client, host, "/sommer")
            assert (answer.status_code, answer.location) == (302, "https://example.com/")
            assert asked(client, host, "/api/v1/links").status_code == 404
        assert asked(client, "elsewhere.example", "/api/v1/links").status_code == 404
        assert not is_start_page(asked(client, "go.example", "/"))


def test_a_shared_host_keeps_the_apps_words_and_gives_the_rest_to_links(
    settings: Settings,
) -> None:
    with joined(settings, "https://go.example", "https://go.example") as client:
        assert asked(client, "go.example", "/sommer").status_code == 302
        assert asked(client, "go.example", "/q/sommer").status_code == 302
        assert asked(client, "go.example", "/api/v1/links").status_code == 401
        assert asked(client, "go.example", "/readyz").json["status"] == "ready"
        assert asked(client, "go.example", "/apis").status_code == 404
        assert not is_start_page(asked(client, "go.example", "/"))


def test_every_name_of_this_machine_is_the_same_host(settings: Settings) -> None:
    with joined(settings, "http://127.0.0.1:8000", "http://127.0.0.1:8000") as client:
        for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000"):
            assert asked(client, host, "/api/v1/links").status_code == 401
            assert asked(client, host, "/sommer").status_code == 302
        assert asked(client, "localhost:9000", "/api/v1/links").status_code == 404


@pytest.mark.parametrize("host", ["", "a,b", "[", "\xff", "x" * 5000, "go.example:x"])
def test_garbage_hosts_are_answered(settings: Settings, host: str) -> None:
    with joined(settings, "https://app.example", "https://go.example") as client:
        assert client.get("/sommer", headers={"Host": host}).status_code < 500


def test_the_module_hides_the_secret_key_from_requests(settings: Settings, tmp_path: Path) -> None:
    program = (
        "import os, wsgi; from werkzeug.test import Client;"
        "print(any('unspeakable' in value for value in os.environ.values()),"
        "Client(wsgi.application).get('/healthz', headers={'Host': '127.0.0.1:8000'}).status_code);"
        "wsgi.application.close()"
    )
    environment = {key: each for key, each in os.environ.items() if not key.startswith(PREFIX)}
    environment[PREFIX + "DATA_DIR"] = str(settings.data_dir)
    environment[PREFIX + "SECRET_KEY"] = "unspeakable"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "200"]
