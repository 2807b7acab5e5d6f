"""The calls of the caller's own workspace."""

from __future__ import annotations

from typing import Annotated, cast

from pydantic import Field

from linkservice.api.door import Call, Calls, Nothing
from linkservice.api.values import WEB_ADDRESS, Answer, Changes, Id, described, one_of, text
from linkservice.conversions.currency import choose_currency
from linkservice.money import CURRENCIES
from linkservice.workspaces import accounts
from linkservice.workspaces.accounts import LONGEST_NAME, LONGEST_URL, MOST_DAYS, WorkspaceChanges
from linkservice.workspaces.model import LOCALES, Workspace
from linkservice.workspaces.networks import LONGEST_NETWORK, MOST_NETWORKS
from linkservice.workspaces.public_holidays import LONGEST_REGION

WORKSPACE = Calls("Workspace")

Locale = Annotated[str, one_of(LOCALES)]
Currency = Annotated[str, one_of(CURRENCIES)]
Colour = Annotated[str, described(pattern="^#[0-9a-fA-F]{6}$")]
# No enumeration: the names are those the machine's time zone data has, some 600.
TimeZone = Annotated[str, described(format="iana-time-zone", examples=["Europe/Berlin", "UTC"])]
# No enumeration either: a country, or one of its subdivisions, some 2,500.
HolidayRegion = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_REGION),
    described(format="iso-3166", examples=["DE-BY", "AT"]),
]
NoticeUrl = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_URL),
    described(format="iri", pattern=WEB_ADDRESS),
]
OwnNetworks = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=LONGEST_NETWORK)]],
    Field(max_length=MOST_NETWORKS),
    described(examples=[["203.0.113.0/24", "2001:db8:7::/48"]]),
]


class WorkspaceChangesGiven(Changes):
    """What of the workspace changes; a new time zone applies from then on."""

    name: Annotated[str, text(LONGEST_NAME)] = ""
    time_zone: TimeZone = ""
    holidays: HolidayRegion | None = None
    locale: Locale = ""
    brand_colour: Colour = ""
    imprint_url: NoticeUrl | None = None
    privacy_url: NoticeUrl | None = None
    count_visitors: bool = True
    currency: Currency = ""
    attribution_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 30
    own_networks: OwnNetworks = []  # noqa: RUF012  # pydantic copies defaults


class WorkspaceAnswer(Answer):
    """A workspace; `time_zone` (IANA) decides on which local day a click falls.

    `holidays` is the country or state (ISO 3166) whose public holidays are no usual days when
    changes are judged. `count_visitors` lets clicks carry a visitor token of the day; clicks from
    `own_networks` (addresses, or networks such as 203.0.113.0/24) are counted apart as own visits.
    `currency` (ISO 4217) is that of all costs; it can be changed until the first is entered.
    Clicks count for a conversion up to `attribution_days` before it.
    """

    id: Id
    name: str
    time_zone: str
    holidays: str | None
    locale: Locale
    brand_colour: Colour
    imprint_url: str | None
    privacy_url: str | None
    count_visitors: bool
    own_networks: list[str]
    currency: Currency
    attribution_days: int


@WORKSPACE.call("GET", "/workspace", scope="admin", answers=WorkspaceAnswer)
def get_workspace(call: Call, given: Nothing) -> WorkspaceAnswer:
    """Get the key's workspace"""
    return _workspace(accounts.own_workspace(call.session, call.actor))


@WORKSPACE.call(
    "PATCH",
    "/workspace",
    scope="admin",
    takes=WorkspaceChangesGiven,
    answers=WorkspaceAnswer,
    conflicts=True,
)
def change_workspace(call: Call, given: WorkspaceChangesGiven) -> WorkspaceAnswer:
    """Change the key's workspace"""
    wanted = given.given()
    # Of other nouns: whether it may change, costs and conversions say.
    currency = wanted.pop("currency", None)
    if currency is not None:
        choose_currency(call.session, call.actor, currency, call.now)
    changes = cast(WorkspaceChanges, wanted)
    return _workspace(accounts.change_workspace(call.session, call.actor, changes, call.now))


def _workspace(workspace: Workspace) -> WorkspaceAnswer:
    return WorkspaceAnswer(
        id=str(workspace.id),
        name=workspace.name,
        time_zone=workspace.time_zone,
        holidays=workspace.holidays,
        locale=workspace.locale,
        brand_colour=workspace.brand_colour,
        imprint_url=workspace.imprint_url,
        privacy_url=workspace.privacy_url,
        count_visitors=workspace.count_visitors,
        own_networks=workspace.own_networks.split(),
        currency=workspace.currency,
        attribution_days=workspace.attribution_days,
    )
