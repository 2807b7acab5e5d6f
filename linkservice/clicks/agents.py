"""Who asked: a person's browser, a robot, a link preview or a mail scanner.

`classify` reads a user agent; `click_class` puts it together with the other marks of a
request. Three sources, in this order: our own table below, the public list
`crawler-user-agents` (without the lines that strike people), and the words robots use of
themselves. The first says what, the others catch what nobody listed.

Not here: the headers of a prefetch (`clicks/visitor.py`), scanners that pose as browsers
and show only in the timing of clicks (`clicks/ingest.py`). This module is slow to import
and no part of the hot lane.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import ua_parser
from crawleruseragents import (  # type: ignore[import-untyped]  # ships no types
    CRAWLER_USER_AGENTS_DATA,
)
from user_agents import parsers  # type: ignore[import-untyped]  # ships no types

AgentClass = Literal["person", "robot", "preview", "scanner"]
ClickClass = Literal["person", "robot", "preview", "prefetch", "scanner", "head", "own"]
Device = Literal["mobile", "tablet", "desktop", "tv", "console", "other"]

CLASSIFIER_VERSION = 1  # raise it when the same user agent may get another answer
LONGEST_AGENT = 512
LONGEST_NAME = 64
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


# Name ("" = the product the user agent begins with), pattern (case matters), class, tag.
# The first line that matches wins: chat apps come before those they borrow a name from.
_OWN: tuple[tuple[str, str, AgentClass, str], ...] = (
    # Link previews
    ("iMessage", r"facebookexternalhit/\S+ Facebot Twitterbot/", "preview", "preview"),
    ("KakaoTalk", r"kakaotalk-scrap", "preview", "preview"),
    ("LINE", r"line-poker|Linespider", "preview", "preview"),
    ("Facebook", r"facebookexternalhit|Facebot|facebookcatalog/", "preview", "preview"),
    ("Facebook", r"(?i:meta-external(?:fetcher|hit))", "preview", "preview"),
    ("Slack", r"Slackbot|Slack-ImgProxy", "preview", "preview"),
    # Signal asks as "WhatsApp/2" too, and cannot be told apart. Only at the start: inside,
    # the word is the tail of an app's own browser.
    ("WhatsApp", r"^WhatsApp", "preview", "preview"),
    ("Microsoft Teams", r"SkypeUriPreview|skype-url-preview", "preview", "preview"),
    ("Microsoft", r"MicrosoftPreview|BingPreview", "preview", "preview"),
    ("Telegram", r"TelegramBot", "preview", "preview"),
    ("Discord", r"Discordbot", "preview", "preview"),
    ("LinkedIn", r"LinkedInBot", "preview", "preview"),
    ("X", r"Twitterbot", "preview", "preview"),
    ("Mastodon", r"Mastodon/", "preview", "preview"),
    ("Bluesky", r"Bluesky Cardyb|BlueskyPreviewBot|^Bluesky/", "preview", "preview"),
    ("Viber", r"^Viber", "preview", "preview"),
    ("Pinterest", r"Pinterestbot|pinterest\.com/bot", "preview", "preview"),
    ("Snapchat", r"Snap URL Preview|SnapURLPreview", "preview", "preview"),
    ("Reddit", r"redditbot", "preview", "preview"),
    ("Google Messages", r"GoogleMessages", "preview", "preview"),
    ("Google Chat", r"Google-PageRenderer", "preview", "preview"),
    ("VK", r"vkShare|VKRobot", "preview", "preview"),
    ("Zalo", r"ZaloPC-PreviewLink|zaloPreview", "preview", "preview"),
    ("Tumblr", r"^Tumblr/", "preview", "preview"),
    ("Notion", r"^Notion/|NotionEmbedder", "preview", "preview"),
    ("Mattermost", r"^[Mm]attermost-", "preview", "preview"),
    ("Rocket.Chat", r"^Rocket\.?Chat", "preview", "preview"),
    ("Quora", r"Quora Link Preview", "preview", "preview"),
    # Mail scanners that give their name
    ("Barracuda", r"(?i:barracuda)", "scanner", "scanner"),
    ("Mimecast", r"(?i:mimecast)", "scanner", "scanner"),
    ("Proofpoint", r"(?i:proofpoint|urldefense)", "scanner", "scanner"),
    ("Trend Micro", r"(?i:trend ?micro)|\bTMES\b", "scanner", "scanner"),
    ("Symantec", r"(?i:symantec|messagelabs|brightmail)", "scanner", "scanner"),
    ("Cisco", r"(?i:cisco ?secure ?email|ironport|cisco ?esa\b)", "scanner", "scanner"),
    ("Microsoft Safe Links", r"(?i:safe ?links)", "scanner", "scanner"),
    ("Fortinet", r"(?i:fortimail|fortinet|fortiguard|fortisandbox)", "scanner", "scanner"),
    ("Sophos", r"(?i:sophos ?(?:email|labs|xl))", "scanner", "scanner"),
    ("Forcepoint", r"(?i:forcepoint|websense)", "scanner", "scanner"),
    ("Hornetsecurity", r"(?i:hornetsecurity|vade ?secure)", "scanner", "scanner"),
    ("Trellix", r"(?i:trellix|fireeye)", "scanner", "scanner"),
    ("Check Point", r"(?i:avanan|check ?point ?(?:harmony|email))", "scanner", "scanner"),
    ("Cloudmark", r"(?i:cloudmark)", "scanner", "scanner"),
    ("Retarus", r"(?i:retarus)", "scanner", "scanner"),
    # Office looks at a link before it hands it to the browser, whose click is the person's.
    ("Microsoft Office", r"\bms-office\b|^Microsoft Office", "robot", "library"),
    # Robots whose line in the public list is a web address, or strikes people
    ("YandexBot", r"yandex\.com/bots", "robot", "search"),
    ("Sogou", r"Sogou.{0,20}[Ss]pider", "robot", "search"),
    ("ClaudeBot", r"(?i:claudebot)", "robot", "ai"),
    ("PayPal", r"^PayPal/", "robot", "library"),
    # Browsers nobody sits in front of
    ("HeadlessChrome", r"Headless(?:Chrome|Edg)", "robot", "automation"),
    ("PhantomJS", r"PhantomJS|SlimerJS", "robot", "automation"),
    ("Puppeteer", r"(?i:puppeteer)", "robot", "automation"),
    ("Playwright", r"(?i:playwright)", "robot", "automation"),
    ("Selenium", r"(?i:selenium|webdriver)", "robot", "automation"),
    ("wkhtmltopdf", r"wkhtmlto|webkit2png", "robot", "automation"),
    ("Cypress", r"\bCypress/", "robot", "automation"),
    ("Electron", r"^electron-fetch", "robot", "automation"),
    # Programs and libraries: named by their first word
    ("aiohttp", r"\baiohttp/", "robot", "library"),
    (
        "",
        r"^(?i:(?:lib|php-|py)?curl|wget|python|pip|httpx|httpie|xh|aria2)\b",
        "robot",
        "library",
    ),
    (
        "",
        r"^(?i:go|go-http-client|go-resty|fasthttp|java|jersey|okhttp|ktor)\b",
        "robot",
        "library",
    ),
    ("", r"^(?:Apache|Jakarta|akka|Reactor|unirest|scalaj|Vert\.x)", "robot", "library"),
    ("", r"^(?i:axios|node|undici|got|superagent|needle|deno|bun|request)\b", "robot", "library"),
    ("", r"^(?i:ruby|faraday|http\.rb|typhoeus|rest-client|httpclient)\b", "robot", "library"),
    ("", r"^(?i:php|guzzle|guzzlehttp|symfony2?|zend|cakephp|drupal)\b", "robot", "library"),
    ("", r"^(?:libwww|lwp|LWP|WWW-|URI::|HTTP-Tiny|Mojolicious)", "robot", "library"),
    ("", r"^(?i:dart|reqwest|ureq|hyper|hackney|req|isahc|surf)\b", "robot", "library"),
    ("", r"^(?i:restsharp|winhttp|winhttprequest|microsoft url|lua-resty)", "robot", "library"),
    ("", r"^(?:PostmanRuntime|insomnia|bruno-runtime|Boto3|gSOAP)", "robot", "library"),
    ("", r"^(?:ApacheBench|hey|wrk|k6|vegeta|Locust|nghttp2|h2load)\b", "robot", "library"),
    ("", r"^(?i:[\w./-]*http[-_/]?(?:client|kit|lib|request|c\b))", "robot", "library"),
    ("Siege", r"\bSiege/", "robot", "library"),
    ("Indy Library", r"Indy Library", "robot", "library"),
    ("HttpUrlConnection", r"Http[Uu][Rr][Ll]Connection", "robot", "library"),
)
_OWN_COMPILED = tuple((name, re.compile(text), class_, tag) for name, text, class_, tag in _OWN)

# Lines of the public list that are in the user agents of people.
_NOT_ROBOTS = frozenset({
    "MetaIAB Facebook",  # the browser inside Facebook's Android app
    r"AP3A\.240617\.008",  # an Android 15 build: every in-app browser on those phones
    r"Code\/1\.",  # an editor's built-in browser, likewise the next
    r"Trae\/",
    "Fluid",  # a Mac browser for single sites
    "Sogou",  # a Chinese browser, too; our table has the spiders
    "okhttp",  # our table has it at the start; inside, it is a phone app's tail
    "WhatsApp",  # the same reason, down to the end
    "Viber",
    r"Tumblr\/",
    r"Notion\/",
    r"PayPal\/",
})  # fmt: skip

# What robots call themselves when no list knows them. Every match starts at the beginning
# of a word, which keeps the time linear. People's browsers name no contact page.
_ROBOT_WORDS = re.compile(
    r"(?i)(?<![\w.-])[\w.-]*?(?:bot|crawl(?:er|ing)?|spider|scrap(?:er|ing)|screenshot"
    r"|unfurl(?:er)?|fetcher|validator|(?:link|url)[ -]?(?:preview|check|expand)[a-z]*)"
    r"(?![a-z])[\w.-]*|\+ ?https?://"
)
# A phone's model may be called anything (Cubot, HTC Butterfly, Fever): it is not read.
_MODEL = re.compile(r"(Android [\d.]+);(?: ?[a-z]{2}[-_][A-Za-z]{2};)?[^;)]*")

_TAGS = {
    "ai-crawler": "ai",  # first: what feeds a model is no preview, though it may say both
    "social-preview": "preview",
    "search-engine": "search",
    "http-library": "library",
    "feed-reader": "feed",
    "archiver": "archive",
    "browser-automation": "automation",
    "monitoring": "monitoring",
    "advertising": "advertising",
    "academic": "academic",
    "scanner": "security",  # looks for weak servers; a mail scanner is another thing
    "seo": "seo",
}

_TV = re.compile(
    r"(?i)smart-?tv|apple ?tv|google ?tv|android tv|\bbravia\b|hbbtv|\bcrkey/|\broku\b"
    r"|web0s|\baft[a-z]{1,4}\b|netcast"
)
_CONSOLE = re.compile(r"(?i)playstation|\bxbox\b|nintendo")
_PRODUCT = re.compile(r"[^\s/;,()\[\]]+")
_COMPATIBLE = re.compile(r"compatible; ?([\w.!&'-]+(?: [A-Z][\w.-]*)*)")
_SYNTAX = re.compile(r"(?<!\\)[.^$*+?()\[\]{}|]|\\[A-Za-z\d]")  # more than escaped signs
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


@lru_cache(maxsize=50_000)
def classify(user_agent: str) -> Agent:
    """The agent behind a user agent; only its first 512 characters are read.

    The same string always gives the same answer within one `CLASSIFIER_VERSION` and one
    version of the lists. Never raises.
    """
    text = user_agent[:LONGEST_AGENT].encode("utf-8", "replace").decode().replace("\0", "")
    text = text.strip()
    if not text:
        return Agent("robot", EMPTY_AGENT, "other")
    return _listed(text) or _parsed(text)


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


class _UserAgent(parsers.UserAgent):  # type: ignore[misc]  # its base ships no types
    """`user_agents`' notions of devices on `ua_parser`'s fast matcher: a tenth of the time."""

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


def _listed(text: str) -> Agent | None:
    """The robot that our table, the public list or its own words make of it."""
    for name, pattern, class_, tag in _OWN_COMPILED:
        if pattern.search(text):
            return Agent(class_, name or _product(text), tag)
    words = _MODEL.sub(r"\1", text)
    # The longest match is the most particular: "Googlebot-Image" rather than "Google".
    found = max(_matches(words), default=None)
    if found:
        _, name, tag = found
        return Agent("preview" if tag == "preview" else "robot", name, tag)
    word = _ROBOT_WORDS.search(words)
    if word:
        own = word.group()
        return Agent("robot", _product(text) if "://" in own else _clean(own), "other")
    return None


def _parsed(text: str) -> Agent:
    parsed = _UserAgent(text)
    if parsed.is_bot:
        return Agent("robot", _product(text), "other")
    return Agent(
        "person",
        device=_device(parsed),
        browser=_clean(parsed.browser.family),
        system=_clean(parsed.os.family),
    )


def _device(parsed: _UserAgent) -> Device:
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


def _product(text: str) -> str:
    """The name a robot gives itself: after `compatible;`, else its first word."""
    match = _COMPATIBLE.search(text)
    name = match.group(1) if match else ""
    if not name or name.startswith("MSIE"):
        first = _PRODUCT.search(text)
        name = first.group() if first else text
    return _clean(name)


def _clean(name: str) -> str:
    name = _UNPRINTABLE.sub("", name).strip(" .-_/+")[:LONGEST_NAME].rstrip()
    return name or "other"


def _matches(text: str) -> Iterator[tuple[int, str, str]]:
    """Length of the match, name and tag of each line of the public list that matches."""
    for literal, name, tag in _LITERALS:
        if literal in text:
            yield len(literal), name, tag
    for pattern, name, tag in _PATTERNS:
        match = pattern.search(text)
        if match:
            yield len(match.group()), name, tag


def _read_list() -> tuple[list[tuple[str, str, str]], list[tuple[re.Pattern[str], str, str]]]:
    """The public list, split into plain texts and true patterns.

    Nearly all 1,500 lines are plain text: looking for each with `in` takes a tenth of the
    time of one big alternation, and no hostile string can slow it down.
    """
    literals, patterns = [], []
    for line in CRAWLER_USER_AGENTS_DATA:
        source: str = line["pattern"]
        if source in _NOT_ROBOTS:
            continue
        tag = next((_TAGS[tag] for tag in _TAGS if tag in line.get("tags", ())), "other")
        if _SYNTAX.search(source):
            pattern = re.compile(source)
            patterns.append((pattern, _pattern_name(pattern, line.get("instances", ())), tag))
        else:
            literal = source.replace("\\", "")
            literals.append((literal, _clean(literal), tag))
    return literals, patterns


def _pattern_name(pattern: re.Pattern[str], instances: Iterable[str]) -> str:
    """One name for all that match the line, else reports would fragment."""
    matches = filter(None, map(pattern.search, instances))
    return _clean(next((match.group() for match in matches), pattern.pattern))


_LITERALS, _PATTERNS = _read_list()
