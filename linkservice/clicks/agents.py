"""Who asked: a person's browser, a robot, a link preview or a mail scanner.

`classify` reads a user agent; `click_class` puts it together with the other marks of a
request. Robots are told in `clicks/robots.py`, what people click with in `clicks/devices.py`.

Not here: the headers of a prefetch (`clicks/visitor.py`), scanners that pose as browsers
and show only in the timing of clicks (`clicks/scanners.py`). This module is slow to import
and no part of the hot lane.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from linkservice.clicks.devices import Device, UserAgent, device_of, mended
from linkservice.clicks.robots import clean, named_robot, own_name

AgentClass = Literal["person", "robot", "preview", "scanner"]
ClickClass = Literal["person", "robot", "preview", "prefetch", "scanner", "head", "own"]

CLASSIFIER_VERSION = 3  # raise it when the same user agent may get another answer
LONGEST_AGENT = 512
EMPTY_AGENT = "(empty)"


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent says of itself. Names have 1–64 characters where they are known.

    `robot` and `tag` are "" for a person; `device`, `browser` and `system` stay "other"
    and "" for all others, since what a robot pretends to be tells nothing.
    """

    class_: AgentClass
    robot: str = ""
    tag: str = ""
    device: Device = "other"
    browser: str = ""
    system: str = ""


@lru_cache(maxsize=50_000)
def classify(user_agent: str, hints: str = "") -> Agent:
    """The agent behind a user agent; only its first 512 characters are read.

    `hints` (as `visitor.client_hints` gives them) mend what a frozen user agent says of a
    person's device; those of robots change nothing. The same texts always give the same
    answer within one `CLASSIFIER_VERSION` and one version of the lists. Never raises.
    """
    agent = _read(user_agent)
    if not hints or agent.class_ != "person":
        return agent
    return replace(agent, **mended(agent.device, agent.system, hints))


@lru_cache(maxsize=50_000)
def _read(user_agent: str) -> Agent:
    text = user_agent[:LONGEST_AGENT].encode("utf-8", "replace").decode().replace("\0", "")
    text = text.strip()
    if not text:
        return Agent("robot", EMPTY_AGENT, "other")
    robot = named_robot(text)
    if robot:
        return Agent(*robot)
    parsed = UserAgent(text)
    if parsed.is_bot:
        return Agent("robot", own_name(text), "other")
    return Agent(
        "person",
        device=device_of(parsed),
        browser=clean(parsed.browser.family),
        system=clean(parsed.os.family),
    )


def click_class(*, head: bool, own: bool, prefetch: bool, agent: Agent) -> ClickClass:
    """The class of a click.

    HEAD comes first, whoever sent it: it asked for no page, so nobody arrived. Then what
    the workspace said of its own browsers and networks, whatever runs there. A robot
    stays one even where it claims to prefetch, as its name says more; only what a
    person's browser fetched ahead is a prefetch.
    """
    if head:
        return "head"
    if own:
        return "own"
    if agent.class_ != "person":
        return agent.class_
    return "prefetch" if prefetch else "person"
