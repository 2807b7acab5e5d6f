"""The OpenAPI document says what the service does, and nothing it does not.

Schemathesis calls every operation with data that the document allows and with data that it
forbids, in process, and judges the answers by all its checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from unittest import SkipTest

import pytest
import schemathesis
from cast import NOW, make_home
from flask import Flask
from hypothesis import HealthCheck, Phase, assume
from hypothesis import settings as hypothesis_settings
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)

from linkservice.api.door import PREFIX
from linkservice.api.openapi import document
from linkservice.api.service import OPERATIONS
from linkservice.app import create_app
from linkservice.config import load
from linkservice.workspaces.keys import create_key

# Their fields depend on each other or on what is stored, which no schema can say: the order
# of two days, the length of a period, a picture too fine for its code, a destination that
# this service serves itself or that grows beyond the limit when it is normalised, a host that
# is a public address (304 is one), a day that is not over. And the time zones there are, the
# machine's own data says.
DEPENDENT = (
    "report_touchpoints",
    "report_link",
    "report_campaign",
    "report_touchpoint",
    "list_clicks",
    "get_link_png",
    "get_link_svg",
    "create_reach",
    "change_reach",
    "report_changes",
    "report_costs",
    "report_personas",
    "report_moments",
    "report_transitions",
    "create_touchpoint_cost",
    "create_campaign_cost",
    "change_cost",
    "create_link",
    "create_links",
    "change_link",
    "create_domain",
    "change_domain",
    "change_workspace",
    "record_conversion",
    "import_counts",
)
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "429", "5xx"]
"""Schemathesis' own list of what may answer valid data."""

CONFIG = SchemathesisConfig.from_dict(
    {
        "operations": [
            {
                "include-operation-id": list(DEPENDENT),
                "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "422"]}},
            },
        ]
    }
)


class Service:
    """The service as a WSGI application; the fixture opens it, with an admin's key."""

    app: Flask
    key: str

    def __call__(
        self, environ: dict[str, object], start_response: Callable[..., object]
    ) -> Iterable[bytes]:
        return self.app(environ, start_response)  # type: ignore[arg-type]  # WSGI's own types


SERVICE = Service()
DOCUMENT = document(OPERATIONS)
schema = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
schema.app = SERVICE
CALLS = [f"{method.upper()} {path}" for path, item in DOCUMENT["paths"].items() for method in item]


@pytest.fixture(scope="module", autouse=True)
def service(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    data_dir = tmp_path_factory.mktemp("service")
    (data_dir / "linkservice.db").write_bytes(migrated.read_bytes())
    settings = load({}, data_dir=data_dir)
    SERVICE.app = create_app(settings)
    with SERVICE.app.extensions["database"].transaction() as session:
        home = make_home(session, settings)
        SERVICE.key = create_key(session, home.actor, "schemathesis", (), NOW)
    yield SERVICE
    SERVICE.app.extensions["database"].close()


@hypothesis_settings(
    max_examples=hypothesis_settings.default.max_examples // 50,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def judge(case: schemathesis.Case) -> None:
    # An empty list is left out of a query: whatever would be wrong with it never arrives.
    assume([] not in (case.query or {}).values())
    case.call_and_validate(headers={"Authorization": f"Bearer {SERVICE.key}"})


@pytest.mark.wide
@pytest.mark.parametrize("call", CALLS)
def test_every_call_does_what_the_document_says(call: str) -> None:
    """What to send is made up here, not by `schema.parametrize`, which does so as tests are
    collected: for all calls that took longer than to collect all other tests, in each process.
    """
    operation = schema.find_operation_by_label(call)
    assert operation is not None
    test = create_test(
        operation=operation,
        test_func=judge,
        config=HypothesisTestConfig(project=schema.config, modes=list(HypothesisTestMode)),
    )
    try:
        test()
    except SkipTest as reason:
        pytest.fail(f"nothing to send: {reason}")


def test_every_route_is_documented(service: Service) -> None:
    routes = {
        (re.sub(r"<.*?>", "{id}", rule.rule), method)
        for rule in service.app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    documented = {
        (path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in item
    }
    assert routes == documented


def test_the_page_and_all_it_loads_come_from_here(service: Service) -> None:
    client = service.app.test_client()
    page = client.get(f"{PREFIX}/docs")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert "docs/start.js" in loaded
    for address in loaded:
        assert client.get(f"{PREFIX}/{address}").status_code == 200
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "//" not in "".join(loaded)
    assert client.get(f"{PREFIX}/docs/nothing.js").status_code == 404
