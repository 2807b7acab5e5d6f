"""A realistic mix of clicks, as a link port would record them: seeded, and quick to make.

Agents with a long tail (phones by model, browsers by version, apps, robots, previews), four
clicks in five of visitors who are new on their day, languages and referrers as a German
retailer sees them, links by Zipf's law, misses, HEAD requests, prefetches and people who ask
not to be counted.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from crawleruseragents import (  # type: ignore[import-untyped]  # ships no types
    CRAWLER_USER_AGENTS_DATA,
)

from linkservice.clicks.event import Click, Flag, Method, Source, encode

_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
_LANGUAGES = ("de", "en", "tr", "fr", "pl", "it", "nl", "es", "ru", "uk", "ar", "ro", "")
_LANGUAGE_WEIGHTS = (70, 12, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 2)
_KNOWN_HOSTS = ("instagram.com", "google.com", "facebook.com", "linkedin.com", "t.co")
_ROBOTS = 0.07
_ROBOT_KINDS = 400


@dataclass(frozen=True)
class Shop:
    """Whose links are clicked; every link has version 1."""

    workspace_id: int
    domain_id: int
    links: int


def records(shop: Shop, first_ms: int, last_ms: int, clicks: int, seed: int) -> Iterator[bytes]:
    """The bodies of `clicks` records, evenly from `first_ms` to `last_ms`, in order."""
    rng = random.Random(seed)
    people, robots = _people(), _robots(rng)
    weights = list(accumulate(1 / (place + 8) for place in range(len(people))))
    links = list(accumulate(1 / place for place in range(1, shop.links + 1)))
    hosts = (*_KNOWN_HOSTS, *(f"www.page{number}.example" for number in range(300)))
    popular = list(accumulate(1 / place for place in range(1, len(hosts) + 1)))
    met: list[tuple[bytes, bytes, tuple[str, str]]] = []
    for number in range(clicks):
        time_ms = first_ms + (last_ms - first_ms) * number // clicks
        link_id = rng.choices(range(1, shop.links + 1), cum_weights=links)[0]
        chance = rng.random()
        if met and rng.random() < 0.2:
            network, token, agent = rng.choice(met)
        else:
            network, token = _network(rng), rng.randbytes(16)
            agent = rng.choices(people, cum_weights=weights)[0]
            met.append((network, token, agent))
            if len(met) > 5_000:
                met[rng.randrange(5_000)] = met.pop()
        if rng.random() < _ROBOTS:
            agent = rng.choice(robots), ""
        head, miss = chance < 0.01, 0.01 <= chance < 0.04
        private = 0.04 <= chance < 0.08
        yield encode(
            Click(
                time_ms=time_ms,
                link_id=0 if miss else link_id,
                link_version=0 if miss else 1,
                domain_id=shop.domain_id,
                workspace_id=shop.workspace_id,
                source=Source.SCAN if rng.random() < 0.3 else Source.CLICK,
                method=Method.HEAD if head else Method.GET,
                miss=miss,
                network=network,
                token=b"" if head or miss or private else token,
                user_agent=agent[0],
                hints=agent[1],
                language=rng.choices(_LANGUAGES, _LANGUAGE_WEIGHTS)[0],
                referrer_host=""
                if rng.random() < 0.6
                else rng.choices(hosts, cum_weights=popular)[0],
                flags=(Flag.PRIVACY if private else 0)
                | (Flag.PREFETCH if 0.08 <= chance < 0.085 else 0),
            )
        )


def _network(rng: random.Random) -> bytes:
    if rng.random() < 0.25:
        return b"\x2a\x02" + rng.randbytes(1) + bytes((rng.randrange(4), *rng.randbytes(2)))
    return bytes((rng.choice((77, 79, 80, 84, 87, 91, 93, 95)), *rng.randbytes(2)))


def _people() -> Sequence[tuple[str, str]]:
    """User agents and hints, the most frequent first."""
    found = []
    for minor in range(8):
        for major in (18, 17, 26, 16):
            phone = f"Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) {_WEBKIT}"
            found += [
                (f"{phone} Version/{major}.{minor} Mobile/15E148 Safari/604.1", ""),
                (f"{phone} Mobile/15E148 Instagram {400 + minor}.0.0.{major} (iPhone14,5)", ""),
                (f"{phone} CriOS/{142 - minor}.0.7444.{major} Mobile/15E148 Safari/604.1", ""),
            ]
        chrome = f"Chrome/{142 - minor}.0.0.0"
        found += [
            (f"Mozilla/5.0 (Linux; Android 10; K) {_BLINK} {chrome} Mobile Safari/537.36",
             "?1|Android||"),
            (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK} {chrome} Safari/537.36",
             "?0|Windows||"),
            (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK} {chrome} Safari/537.36"
             f" Edg/{142 - minor}.0.0.0", "?0|Windows||"),
            (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Version/18.{minor}"
             " Safari/605.1.15", ""),
            (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{145 - minor}.0) Gecko/20100101"
             f" Firefox/{145 - minor}.0", ""),
        ]  # fmt: skip
    for model in range(1500):
        device = f"SM-A{100 + model}B Build/UP1A.2310{model % 90 + 10}"
        found.append((
            f"Mozilla/5.0 (Linux; Android {10 + model % 6}; {device}; wv) {_BLINK} Version/4.0"
            f" Chrome/{120 + model % 22}.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/{model}]",
            f"?1|Android|SM-A{100 + model}B|{10 + model % 6}.0.0" if model % 3 == 0 else "",
        ))  # fmt: skip
    return found


def _robots(rng: random.Random) -> Sequence[str]:
    known = [agent for line in CRAWLER_USER_AGENTS_DATA for agent in line.get("instances", ())]
    return rng.sample(sorted(set(known)), _ROBOT_KINDS)
