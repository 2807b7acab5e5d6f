"""What a story is made of: stages, touchpoints, links and campaigns, and how each of them does.

Not here: the retailer this demonstration tells of (`retailer`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rhythm = Literal["online", "shop", "office", "mail", "home"]
"""When people come: in the evening, in opening hours, at work, by the morning's mail, or when
the parcel is there."""

Told = Literal["week", "month", "mailing"]
"""How reach is entered: a sum for each week or month, or the letters of each mailing."""

Ending = Literal["paused", "archived", "expired"]

USUALLY_BUYING = 0.03


@dataclass(frozen=True, slots=True)
class CampaignStory:
    """A campaign that comes every year from `first` to `last` (month, day); without these it
    is as long as its links live.
    """

    name: str
    first: tuple[int, int] | None = None
    last: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class LinkStory:
    """A link of a touchpoint. `weight` is its share beside the others of the same touchpoint,
    `scans` the share of its clicks that come through the code.

    With `click_ids` the shop learns which click led there; `buying` is told where it is not that of
    its touchpoint. `born` and `ends` are days of the story; what is archived still gets a click now
    and then. `moved` are the days on which it got another page.
    """

    slug: str
    title: str
    page: str
    weight: float = 1.0
    scans: float = 0.0
    referrers: tuple[tuple[str, float], ...] = ()
    tags: tuple[str, ...] = ()
    campaign: str | None = None
    utm: tuple[tuple[str, str], ...] = ()
    born: int = 0
    ends: int | None = None
    ending: Ending | None = None
    moved: tuple[tuple[int, str], ...] = ()
    click_ids: bool = False
    buying: float | None = None


@dataclass(frozen=True, slots=True)
class TouchpointStory:
    """A touchpoint: `daily` reach on an average day and the `rate` of it that becomes visitors.

    `buying` is the share of its clicks that lead to a purchase on an ordinary day.
    `last_days`: it exists only since so many days before the story was first told.
    `campaigns` are those in which it reaches more people. Without a unit nobody counts reach.
    """

    name: str
    channel: str
    kind: str
    medium: str
    daily: float
    rate: float
    unit: str | None
    links: tuple[LinkStory, ...]
    told: Told = "month"
    rhythm: Rhythm = "online"
    campaigns: tuple[str, ...] = ()
    moment_of_truth: bool = False
    target_rate: float | None = None
    last_days: int | None = None
    buying: float = USUALLY_BUYING


@dataclass(frozen=True, slots=True)
class StageStory:
    """A stage with its touchpoints in order; `go_on` is the share of its visitors who are at the
    next one on the same day.
    """

    name: str
    touchpoints: tuple[TouchpointStory, ...]
    go_on: float = 0.0
