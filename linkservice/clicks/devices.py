"""What a person clicks with: device, browser and operating system.

`user_agents`' notions of devices, on `ua_parser`'s fast matcher; client hints mend what
browsers no longer tell in their user agents.

Not here: robots (`clicks/robots.py`).
"""

from __future__ import annotations

import re
from typing import Literal, TypedDict

import ua_parser
from user_agents import parsers  # type: ignore[import-untyped]  # ships no types

Device = Literal["mobile", "tablet", "desktop", "tv", "console", "other"]

_TV = re.compile(
    r"(?i)smart-?tv|apple ?tv|google ?tv|android tv|\bbravia\b|hbbtv|\bcrkey/|\broku\b"
    r"|web0s|\baft[a-z]{1,4}\b|netcast"
)
_CONSOLE = re.compile(r"(?i)playstation|\bxbox\b|nintendo")
_NUMBER = re.compile(r"[0-9]{1,4}")


_DESKTOPS = {
    "Windows": "Windows",
    "macOS": "Mac OS X",
    "Linux": "Linux",
    "Chrome OS": "Chrome OS",
    "Chromium OS": "Chrome OS",
}
"""Platforms of client hints, as `ua_parser` calls them."""

FIRST_OF_WINDOWS_11 = 13
"""The platform version of Windows 11; its user agents say "Windows NT 10.0" for ever."""


class Mended(TypedDict):
    """What client hints know better than a user agent."""

    device: Device
    system: str


class UserAgent(parsers.UserAgent):  # type: ignore[misc]  # its base ships no types
    """`user_agents`' answers in a tenth of its time."""

    def __init__(self, user_agent: str) -> None:
        result = ua_parser.parse(user_agent).with_defaults()
        browser, system, device = result.user_agent, result.os, result.device
        self.ua_string = user_agent
        self.browser = parsers.parse_browser(
            browser.family, browser.major, browser.minor, browser.patch
        )
        self.os = parsers.parse_operating_system(
            system.family, system.major, system.minor, system.patch, system.patch_minor
        )
        self.device = parsers.parse_device(device.family, device.brand, device.model)


def device_of(parsed: UserAgent) -> Device:
    """The kind of device that a parsed user agent says it runs on."""
    # Televisions and consoles first: to `user_agents` they are tablets or desktops.
    if _CONSOLE.search(parsed.ua_string):
        return "console"
    if _TV.search(parsed.ua_string):
        return "tv"
    if parsed.is_tablet:
        return "tablet"
    if parsed.is_mobile:
        return "mobile"
    return "desktop" if parsed.is_pc else "other"


def mended(device: Device, system: str, hints: str) -> Mended:
    """A device and system as the client hints correct them: `?1|Android|Pixel 9|15.0.0`.

    A tablet that asks for pages made for desktops names Android here, and Windows its
    version. What is no hint changes nothing.
    """
    mobile, platform, model, version = (*hints.split("|"), "", "", "", "")[:4]
    told = mobile in ("?0", "?1")
    if platform == "Android":
        if device not in ("tv", "console") and told:
            device = "mobile" if mobile == "?1" else "tablet"
        if _TV.search(model):
            device = "tv"
        return {"device": device, "system": "Android"}
    if platform in _DESKTOPS:
        if device in ("mobile", "other") and mobile == "?0":
            device = "desktop"
        system = _DESKTOPS[platform]
        major = version.partition(".")[0]
        if system == "Windows" and _NUMBER.fullmatch(major) and int(major) >= FIRST_OF_WINDOWS_11:
            system = "Windows 11"
    return {"device": device, "system": system}


def load_tables() -> None:
    """Load the matcher's tables: a fifth of a second that no click waits for then, and 27 MB. Who
    only serves pages needs them once somebody signs in.
    """
    ua_parser.parse("")
