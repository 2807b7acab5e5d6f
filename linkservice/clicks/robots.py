"""The robots that name themselves, and what kind each is.

Three sources, in this order: our own table below, the public list `crawler-user-agents`
(without the lines that strike people), and the words robots use of themselves. The first
says what, the others catch what nobody listed.

Not here: browsers of people (`clicks/devices.py`), scanners that pose as browsers and show
only in the timing of clicks (`clicks/scanners.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from crawleruseragents import (  # type: ignore[import-untyped]  # ships no types
    CRAWLER_USER_AGENTS_DATA,
)

from linkservice.clicks.browsers import has_browser_form, is_plain_browser

RobotClass = Literal["robot", "preview", "scanner"]

LONGEST_NAME = 64

SHORT = 3
"""Lines of the public list with so few letters match at the beginning of words only."""


_Literal = tuple[str, str, str]
"""A plain text of the public list, its robot's name and tag."""


class Robot(NamedTuple):
    """A robot's class, its name of 1–64 characters, and what it is for."""

    class_: RobotClass
    name: str
    tag: str


# Name ("" = the product the user agent begins with), pattern (case matters), class, tag.
# The first line that matches wins: chat apps come before those they borrow a name from.
_OWN: tuple[tuple[str, str, RobotClass, str], ...] = (
    # Link previews
    ("iMessage", r"facebookexternalhit/\S+ Facebot Twitterbot/", "preview", "preview"),
    ("KakaoTalk", r"kakaotalk-scrap", "preview", "preview"),
    ("LINE", r"line-poker|Linespider", "preview", "preview"),
    ("Facebook", r"facebookexternal|Facebot|facebook(?:catalog|platform)/", "preview", "preview"),
    ("Facebook", r"(?i:meta-external(?:fetcher|hit))", "preview", "preview"),
    ("Slack", r"Slackbot|Slack-ImgProxy|^Slack/", "preview", "preview"),
    ("Signal", r"^Signal(?:-\w+)?/", "preview", "preview"),
    # Signal mostly asks as "WhatsApp/2", and then cannot be told apart. Only at the start:
    # inside, the word is the tail of an app's own browser.
    ("WhatsApp", r"^WhatsApp", "preview", "preview"),
    (
        "Microsoft Teams",
        r"SkypeUriPreview|skype-url-preview|MSTeamsBot|^(?:Microsoft ?)?Teams[/ ]",
        "preview",
        "preview",
    ),
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
    # Office looks whether a link leads to a document. Where it opens the page, it asks as
    # Internet Explorer and hands the browser what it was led to: that is the person's click.
    ("Microsoft Office", r"compatible; ms-office\b|^Microsoft Office", "robot", "library"),
    # Robots whose line in the public list is a web address, or strikes people
    ("YandexBot", r"yandex\.com/bots", "robot", "search"),
    ("Sogou", r"Sogou.{0,20}[Ss]pider", "robot", "search"),
    ("ClaudeBot", r"(?i:claudebot)", "robot", "ai"),
    ("PayPal", r"^PayPal/", "robot", "library"),
    # Browsers nobody sits in front of
    ("HeadlessChrome", r"Headless(?:Chrome|Edg)", "robot", "automation"),
    ("PhantomJS", r"PhantomJS|SlimerJS|\bsplash Version/", "robot", "automation"),
    ("Lighthouse", r"\b(?<!Chrome-)Lighthouse\b", "robot", "monitoring"),
    ("Puppeteer", r"(?i:puppeteer)", "robot", "automation"),
    ("Playwright", r"(?i:playwright)", "robot", "automation"),
    ("Selenium", r"(?i:selenium|webdriver)", "robot", "automation"),
    ("wkhtmltopdf", r"wkhtmlto|webkit2png", "robot", "automation"),
    ("Cypress", r"\bCypress/", "robot", "automation"),
    ("Electron", r"^electron-fetch", "robot", "automation"),
    ("jsdom", r"\bjsdom/", "robot", "automation"),
    ("NovaAct", r"\bNovaAct/", "robot", "ai"),
    # Browsers that look whether a site is well, and say so by a single word
    ("New Relic", r"\bNewRelic/Synthetics\b", "robot", "monitoring"),
    ("WebPageTest", r"[ (;]PTST[ /]", "robot", "monitoring"),
    ("DejaClick", r"\bDejaClick/", "robot", "monitoring"),
    ("Keynote", r" KTXN \d", "robot", "monitoring"),
    ("Rigor", r" Rigor$", "robot", "monitoring"),
    ("Netsparker", r"(?i:\bnetsparker\b)", "robot", "security"),
    # Programs and libraries: named by their first word
    ("aiohttp", r"\baiohttp/", "robot", "library"),
    ("PowerShell", r"PowerShell/", "robot", "library"),
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
_OWN_COMPILED = tuple(
    # `match` where the pattern says "at the beginning": `search` would try every place.
    (name, re.compile(text).match if text[0] == "^" else re.compile(text).search, class_, tag)
    for name, text, class_, tag in _OWN
)

# Lines of the public list that are in the user agents of people.
_NOT_ROBOTS = frozenset({
    "MetaIAB Facebook",  # the browser inside Facebook's Android app
    r"AP3A\.240617\.008",  # an Android 15 build: every in-app browser on those phones
    "Blackboard",  # an app for students
    r"Code\/1\.",  # an editor's built-in browser, likewise the next
    r"Trae\/",
    "Sonic",  # what Slack's desktop app calls its own browser
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
# of a word, which keeps the time linear.
_ROBOT_WORDS = re.compile(
    r"(?i)(?<![\w.%-])(?!cubot)[\w.-]*?(?:bot|crawl(?:er|ing)?|spider|scrap(?:er|ing)|screen-?shots?"
    r"|screenshotter|unfurl(?:er)?|fetch(?:er)?|validator|monitor(?:ing)?|scan(?:ner|ning)?"
    r"|analy[sz]er|inspect(?:or)?|detector|verif(?:ier|ication)|extractor|index(?:er|ing)"
    r"|archiver|harvest(?:er)?|collector|grabber|downloader|prob(?:e|ing)|pinger|heartbeat|tester|thumbnails?"
    r"|preview(?:er)?|transcoder|classifier|(?:link|url|site|web|proxy|status|uptime|health)"
    r"[ -]?(?:checker|check|capture|test|shot|preview|expander|watch|audit))"
    r"(?![a-z])[\w.-]*"
)
# On phones, who reads our codes with an app is a person, and the app has such a word in its name.
_CODE_READER = re.compile(
    r"(?i)(?<![a-z])(?:(?:kaspersky|sophos|avira)[ _-]?)?(?:q-?r|bar)[ _-]?(?:codes?)?[ _-]?"
    r"(?:scan(?:ner|ning)?|detector)(?![a-z])[\w.-]*"
)
# What such a word says of its purpose.
_PURPOSES = (
    ("preview", re.compile(r"(?i)unfurl|(?:link|url)[ -]?(?:preview|expand)")),
    ("monitoring", re.compile(r"(?i)monitor|uptime|health|pro(?:be|bing)|status|site[ -]?check")),
    ("seo", re.compile(r"(?i)seo|backlink|site[ -]?audit")),
    ("ai", re.compile(r"(?i)gpt|llm|\bai[-_]|[-_]ai\b")),
)
# Where an engine's browser says "(KHTML, like Gecko)", robots add themselves, and so they do
# with a second "compatible" at the end. People's browsers name no web page and no mailbox
# (but some that are built on Internet Explorer's engine do).
_ADDED = re.compile(
    r"like Gecko\) .*\(compatible;|\(KHTML, like Gecko; ?\w|\bGoogle-[A-Z]\w"
    r"|[\w.-]+@[a-z0-9-]+\.[a-z]{2}|[\w.-]+(?:@|\[at\])[a-z]+\.(?:com|net|org)"
)
_ADDRESS = re.compile(r"(?i)https?:/|\bwww\.")
# A phone's model may be called anything (Cubot, HTC Butterfly, Fever): it is not read.
_MODEL = re.compile(r"(Android [\d.]+);(?: ?[a-z]{2}[-_][A-Za-z]{2};)?[^;)]*")
_PHONE = re.compile(r"Mozilla/5\.0 \((?:iPhone|iPad|iPod|Linux; (?:U; )?Android)\b")

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

_PRODUCT = re.compile(r"[^\s/;,()\[\]]+")
_COMPATIBLE = re.compile(r"compatible; ?([\w.!&'-]+(?: [A-Z][\w.-]*)*)")
_SYNTAX = re.compile(r"(?<!\\)[.^$*+?()\[\]{}|]|\\[A-Za-z\d]")  # more than escaped signs
_NO_WORD = re.compile(r"\W")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def named_robot(text: str) -> Robot | None:
    """The robot that our table, the public list or its own words make of a user agent."""
    if is_plain_browser(text):
        return None
    for name, finds, class_, tag in _OWN_COMPILED:
        if finds(text):
            return Robot(class_, name or own_name(text), tag)
    words = _MODEL.sub(r"\1", text)
    if _PHONE.match(text):
        words = _CODE_READER.sub("", words)
    # The longest match is the most particular: "Googlebot-Image" rather than "Google".
    found = max(_matches(words), default=None)
    if found:
        _, name, tag = found
        return Robot("preview" if tag == "preview" else "robot", name, tag)
    if word := _ROBOT_WORDS.search(words):
        own = word.group()
        tag = next((tag for tag, says in _PURPOSES if says.search(own)), "other")
        # In an address ("…/bot.html") such a word tells what it is, and not its name.
        name = own_name(text) if words[: word.start()].endswith("/") else clean(own)
        return Robot("preview" if tag == "preview" else "robot", name, tag)
    if _ADDED.search(words) or (_ADDRESS.search(words) and "MSIE" not in words):
        return Robot("robot", own_name(text), "other")
    return None if has_browser_form(text) else Robot("robot", own_name(text), "other")


def own_name(text: str) -> str:
    """The name a robot gives itself: after `compatible;`, else its first word."""
    match = _COMPATIBLE.search(text)
    name = match.group(1) if match else ""
    if not name or name.startswith("MSIE"):
        first = _PRODUCT.search(text)
        name = first.group() if first else text
    return clean(name)


def clean(name: str) -> str:
    """A name as it is kept: printable ASCII, 1–64 characters."""
    name = _UNPRINTABLE.sub("", name).strip(" .-_/+")[:LONGEST_NAME].rstrip()
    return name or "other"


def _matches(text: str) -> Iterator[tuple[int, str, str]]:
    """Length of the match, name and tag of each line of the public list that matches."""
    for gram in _grams(text) & _BY_GRAM.keys():
        for literal, name, tag in _BY_GRAM[gram]:
            if literal in text:
                yield len(literal), name, tag
    for pattern, name, tag in _PATTERNS:
        match = pattern.search(text)
        if match:
            yield len(match.group()), name, tag


def _grams(text: str) -> set[str]:
    return {text[at : at + 3] for at in range(len(text) - 2)}


def _read_list() -> tuple[dict[str, list[_Literal]], list[tuple[re.Pattern[str], str, str]]]:
    """The public list: plain texts by three of their characters, and true patterns.

    Nearly all 1,500 lines are plain text. A user agent is compared with those alone whose
    three characters are in it: that takes a fiftieth of the time of one big alternation,
    and no hostile string can slow it down.
    """
    literals: list[_Literal] = []
    patterns = []
    for line in CRAWLER_USER_AGENTS_DATA:
        source: str = line["pattern"]
        if source in _NOT_ROBOTS:
            continue
        tag = next((_TAGS[tag] for tag in _TAGS if tag in line.get("tags", ())), "other")
        if len(_NO_WORD.sub("", source)) <= SHORT:
            source = rf"(?<!\w){source}"
        if _SYNTAX.search(source):
            pattern = re.compile(source)
            patterns.append((pattern, _pattern_name(pattern, line.get("instances", ())), tag))
        else:
            literal = source.replace("\\", "")
            literals.append((literal, clean(literal), tag))
    return _by_rarest_gram(literals), patterns


def _by_rarest_gram(literals: Sequence[_Literal]) -> dict[str, list[_Literal]]:
    """Each text under the three of its characters that fewest others have."""
    count = Counter(gram for literal, _, _ in literals for gram in _grams(literal))
    found: dict[str, list[_Literal]] = {}
    for each in literals:
        found.setdefault(min(_grams(each[0]), key=lambda gram: (count[gram], gram)), []).append(
            each
        )
    return found


def _pattern_name(pattern: re.Pattern[str], instances: Iterable[str]) -> str:
    """One name for all that match the line, else reports would fragment."""
    matches = filter(None, map(pattern.search, instances))
    return clean(next((match.group() for match in matches), pattern.pattern))


_BY_GRAM, _PATTERNS = _read_list()
