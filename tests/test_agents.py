"""Persons, robots, link previews and mail scanners, by their user agents."""

from __future__ import annotations

import itertools
import time

import crawleruseragents
import pytest
import user_agents
from hypothesis import example, given
from hypothesis import strategies as st

from linkservice.clicks import agents, devices, robots
from linkservice.clicks.agents import Agent, classify, click_class

_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko)"
)
_PIXEL = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP2A.240805.005; wv) AppleWebKit/537.36"
    " (KHTML, like Gecko)"
)
_OPPO = (
    "Mozilla/5.0 (Linux; Android 15; CPH2557 Build/AP3A.240617.008; wv) AppleWebKit/537.36"
    " (KHTML, like Gecko)"
)
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_WEBVIEW = "Version/4.0 Chrome/126.0.6478.122 Mobile Safari/537.36"

# Device, then what such a person's browser sends.
PERSONS = [
    # Browsers of desktops
    ("desktop", f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36"),
    ("desktop", f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.81"),
    ("desktop", f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36 OPR/111.0.0.0"),
    ("desktop", f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36 Vivaldi/6.8.3381.46"),
    ("desktop", f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36 Avast/126.0.0.0"),
    ("desktop", f"{_WINDOWS} Chrome/58.0.3029.110 Safari/537.36 SE 2.X MetaSr 1.0"),
    ("desktop", f"{_WINDOWS} Code/1.115.0 Chrome/142.0.7444.265 Electron/39.8.5 Safari/537.36"),
    ("desktop", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"),
    ("desktop", "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko"),
    ("desktop", f"{_MAC} Version/17.5 Safari/605.1.15"),
    ("desktop", f"{_MAC} Version/17.5 Safari/605.1.15 Ddg/17.5"),
    ("desktop", "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"),
    ("desktop", "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0"),
    (
        "desktop",
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/126.0.0.0 Safari/537.36",
    ),
    # Browsers of phones and tablets
    ("mobile", f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1"),
    ("mobile", f"{_IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1"),
    ("mobile", f"{_IPHONE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15"),
    ("mobile", f"{_IPHONE} GSA/322.0.643 Mobile/15E148 Safari/604.1"),
    ("mobile", f"{_IPHONE} Version/17.5 EdgiOS/126.0.2592.56 Mobile/15E148 Safari/605.1.15"),
    (
        "mobile",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/126.0.0.0 Mobile Safari/537.36",
    ),
    (
        "mobile",
        "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko)"
        " SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    ),
    ("mobile", "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0"),
    (
        "mobile",
        "Mozilla/5.0 (Linux; U; Android 13; en-us; 22101316G Build/TP1A.220624.014)"
        " AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/112.0.5615.136"
        " Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.9.1-gn",
    ),
    (
        "mobile",
        "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/191.249; U; de) Presto/2.12.423 Version/12.16",
    ),
    (
        "mobile",
        "Mozilla/5.0 (Linux; Android 9; CUBOT X19 Build/PPR1.180610.011) AppleWebKit/537.36"
        " (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36",
    ),
    (
        "mobile",
        "Mozilla/5.0 (Linux; Android 5.0.2; HTC Butterfly 2 Build/LRX22G) AppleWebKit/537.36"
        " (KHTML, like Gecko) Chrome/95.0.4638.74 Mobile Safari/537.36",
    ),
    (
        "mobile",
        "Mozilla/5.0 (Linux; U; Android 4.2.2; de-de; Fever Build/JDQ39) AppleWebKit/534.30"
        " (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
    ),
    (
        "tablet",
        "Mozilla/5.0 (iPad; CPU OS 15_8 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/15.6 Mobile/15E148 Safari/604.1",
    ),
    (
        "tablet",
        "Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/126.0.0.0 Safari/537.36",
    ),
    # Browsers inside apps
    ("mobile", f"{_IPHONE} Mobile/15E148 Instagram 337.0.2.24.92 (iPhone14,5; iOS 17_5_1; de_DE)"),
    ("mobile", f"{_OPPO} {_WEBVIEW} Instagram 406.0.0.58.159 Android (35/15; 480dpi; OPPO) NV/1"),
    (
        "mobile",
        f"{_IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/468.0.0.39.107;FBBV/609;FBDV/iPhone14,5]",
    ),
    ("mobile", f"{_PIXEL} {_WEBVIEW} [FB_IAB/FB4A;FBAV/468.1.0.56.78;]"),
    ("mobile", f"{_PIXEL} {_WEBVIEW} MetaIAB Facebook"),
    ("mobile", f"{_IPHONE} Mobile/15E148 [LinkedInApp]/9.29.6021"),
    (
        "mobile",
        f"{_IPHONE} Mobile/15E148 musical_ly_35.2.0 JsSdk/2.0 NetType/WIFI Channel/App Store"
        " ByteLocale/de Region/DE BytedanceWebview/d8a21c6",
    ),
    ("mobile", f"{_PIXEL} {_WEBVIEW} trill_350204 JsSdk/1.0 NetType/WIFI BytedanceWebview/d8a21c6"),
    ("mobile", f"{_IPHONE} Mobile/15E148 Snapchat/12.96.0.46 (like Safari/8618.2, panda)"),
    ("mobile", f"{_IPHONE} Mobile/21F90 [Pinterest/iOS]"),
    ("mobile", f"{_PIXEL} {_WEBVIEW} [Pinterest/Android]"),
    ("mobile", f"{_IPHONE} Mobile/15E148 Twitter for iPhone/10.49"),
    (
        "mobile",
        f"{_IPHONE} Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/de",
    ),
    ("mobile", f"{_IPHONE} Mobile/15E148 Safari Line/14.9.0"),
    ("mobile", f"{_IPHONE} Mobile/15E148 KAKAOTALK 10.8.5"),
    ("mobile", f"{_IPHONE} Mobile/15E148 Viber/22.8.0"),
    ("mobile", f"{_IPHONE} Mobile/15E148 WhatsApp/2.24.12"),
    ("mobile", f"{_PIXEL} {_WEBVIEW} Tumblr/Android/35.5 okhttp/4.12.0"),
    ("mobile", f"{_PIXEL} {_WEBVIEW} GSA/15.24.28"),
    # Apps that read our codes
    ("mobile", f"{_IPHONE} Mobile/15E148 QRScanner/3.2"),
    ("mobile", f"{_IPHONE} Mobile/15E148 BarcodeScanner/5.0"),
    ("mobile", f"{_PIXEL} {_WEBVIEW} QRCodeScanner/2.1"),
    ("mobile", f"{_PIXEL} {_WEBVIEW} QR & Barcode Scanner"),
    ("mobile", f"{_PIXEL} {_WEBVIEW} Kaspersky QR Scanner/1.7"),
    (
        "desktop",
        f"{_WINDOWS} Slack/4.41.105 Chrome/130.0.6723.137 Electron/33.2.1 Safari/537.36"
        " Sonic Slack_SSB/4.41.105",
    ),
    # Simple phones, apps, and what old browsers say; the devices are `user_agents`' answers
    ("mobile", "Nokia5130c-2/2.0 (07.97) Profile/MIDP-2.1 Configuration/CLDC-1.1"),
    ("mobile", "UCWEB/2.0 (Java; U; MIDP-2.0; en-US; nokiac3-00) U2/1.0.0 UCBrowser/9.4.1.482"),
    ("tablet", "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP2A.240805.005)"),
    ("other", "mozilla/5.0 (linux; android 9; a80pro) applewebkit/537.36 chrome/83.0 mobile"),
    ("mobile", f"{_IPHONE} Mobile/15E148 (Ecosia ios@9.2.3.1367)"),
    (
        "desktop",
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0; .NET4.0C;"
        " ms-office)",
    ),
    (
        "desktop",
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; http://bsalsa.com)",
    ),
    ("other", "Mozilla/5.0 (compatible; Konqueror/4.5; Linux) KHTML/4.5.4 (like Gecko)"),
    ("other", "Mozilla/3.01Gold (Win95; I)"),
    ("desktop", "Mozilla/5.0 (X11; Linux x86_64) NetSurf/3.10"),
    ("other", "Mozilla/4.0 (compatible; Dillo 3.0)"),
    ("desktop", "Midori/0.1.10 (X11; Linux i686; U; en-us) WebKit/(531).(2)"),
    ("other", "Uzbl (Webkit 1.3) (Linux i686 [i686])"),
    ("other", "nook browser/1.0"),
    (
        "desktop",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    ),
    # Others
    (
        "tv",
        "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko)"
        " 76.0.3809.146/6.0 TV Safari/537.36",
    ),
    (
        "tv",
        "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/87.0.4280.88 Safari/537.36 WebAppManager",
    ),
    (
        "console",
        "Mozilla/5.0 (PlayStation; PlayStation 5/8.20) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/16.4 Safari/605.1.15",
    ),
    (
        "console",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, like"
        " Gecko) Chrome/126.0.0.0 Safari/537.36 Edge/44.18363.8131",
    ),
]

PREVIEWS = [
    (
        "iMessage",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko)"
        " Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    ),
    ("Slack", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"),
    ("Slack", "Slack-ImgProxy 0.59 (+https://api.slack.com/robots)"),
    ("WhatsApp", "WhatsApp/2.23.18.78 A"),
    ("WhatsApp", "WhatsApp/2"),  # Signal
    ("Microsoft Teams", "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5"),
    (
        "Microsoft",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; MicrosoftPreview/2.0;"
        " +https://aka.ms/MicrosoftPreview) Chrome/100.0.4896.127 Safari/537.36",
    ),
    ("Telegram", "TelegramBot (like TwitterBot)"),
    ("Discord", "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)"),
    ("Facebook", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"),
    ("Facebook", "Facebot/1.0"),
    ("Facebook", "meta-externalfetcher/1.1"),
    ("LinkedIn", "LinkedInBot/1.0 (compatible; Mozilla/5.0; +http://www.linkedin.com)"),
    ("X", "Twitterbot/1.0"),
    ("LINE", "facebookexternalhit/1.1;line-poker/1.0"),
    ("KakaoTalk", "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/"),
    ("Viber", "Viber"),
    ("Signal", "Signal-Android/7.0 Android/34"),
    ("Microsoft Teams", "Mozilla/5.0 (compatible; MSTeamsBot/1.0)"),
    (
        "Discord",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.10; rv:38.0) Gecko/20100101 (Discordbot)",
    ),
    ("Acme-LinkPreview", "Acme-LinkPreview/2 (+https://acme.example)"),
    ("Mastodon", "http.rb/5.1.1 (Mastodon/4.2.10; +https://mastodon.example/)"),
    ("Bluesky", "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)"),
    (
        "Pinterest",
        "Mozilla/5.0 (compatible; Pinterestbot/1.0; +https://www.pinterest.com/bot.html)",
    ),
    ("Snapchat", "Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots"),
    ("Reddit", "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)"),
    ("Google Messages", "GoogleMessages/20"),
    ("Google Chat", f"{_PIXEL} Chrome/126 Mobile Safari/537.36 (compatible; Google-PageRenderer)"),
    ("Iframely", "Iframely/1.3.1 (+https://iframely.com/docs/about) Atlassian"),
]

SCANNERS = [
    ("Barracuda", "Barracuda Sentinel (EE)"),
    ("Barracuda", "Mozilla/5.0 (compatible; BarracudaLinkProtectBot/1.0)"),
    ("Mimecast", "Mozilla/5.0 (compatible; Mimecast URL Protect)"),
    ("Proofpoint", f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36 Proofpoint"),
    ("Trend Micro", "TMES/1.0"),
    ("Trend Micro", "Mozilla/5.0 (compatible; TrendMicro Email Security)"),
    ("Symantec", "Symantec.cloud Link Following"),
    ("Cisco", "CiscoSecureEmail/1.0"),
    ("Microsoft Safe Links", "Microsoft Office SafeLinks Protection"),
]

ROBOTS = [
    ("(empty)", "other", ""),
    ("curl", "library", "curl/8.5.0"),
    ("Wget", "library", "Wget/1.21.4"),
    ("python-requests", "library", "python-requests/2.32.3"),
    ("python-httpx", "library", "python-httpx/0.27.0"),
    ("Python-urllib", "library", "Python-urllib/3.11"),
    ("aiohttp", "library", "Python/3.11 aiohttp/3.9.5"),
    ("Go-http-client", "library", "Go-http-client/2.0"),
    ("Java", "library", "Java/17.0.11"),
    ("okhttp", "library", "okhttp/4.12.0"),
    ("Apache-HttpClient", "library", "Apache-HttpClient/4.5.14 (Java/17.0.11)"),
    ("node", "library", "node"),
    ("node-fetch", "library", "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)"),
    ("axios", "library", "axios/1.7.2"),
    ("undici", "library", "undici"),
    ("GuzzleHttp", "library", "GuzzleHttp/7"),
    ("reqwest", "library", "reqwest/0.12.5"),
    ("Dart", "library", "Dart/3.4 (dart:io)"),
    ("PostmanRuntime", "library", "PostmanRuntime/7.39.0"),
    ("Microsoft Office", "library", "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"),
    (
        "HeadlessChrome",
        "automation",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " HeadlessChrome/126.0.0.0 Safari/537.36",
    ),
    (
        "PhantomJS",
        "automation",
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1",
    ),
    ("Puppeteer", "automation", f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36 Puppeteer"),
    (
        "Googlebot",
        "search",
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like"
        " Gecko) Chrome/126.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1;"
        " +http://www.google.com/bot.html)",
    ),
    ("Googlebot-Image", "search", "Googlebot-Image/1.0"),
    (
        "bingbot",
        "search",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    ),
    ("YandexBot", "search", "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)"),
    ("Sogou", "search", "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)"),
    (
        "GPTBot",
        "ai",
        "Mozilla/5.0 AppleWebKit/537.36 (compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    ),
    ("ClaudeBot", "ai", "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"),
    ("AhrefsBot", "seo", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
    (
        "UptimeRobot",
        "monitoring",
        "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    ),
    ("meta-externalagent", "ai", "meta-externalagent/1.1"),
    # Browsers that look whether a site is well
    ("New Relic", "monitoring", f"{_WINDOWS} Chrome/120.0.0.0 Safari/537.36 NewRelic/Synthetics"),
    (
        "WebPageTest",
        "monitoring",
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0; PTST 2.396)",
    ),
    (
        "DejaClick",
        "monitoring",
        "Mozilla/5.0 (X11; Linux x86_64; rv:52.0) Gecko/20100101 Firefox/52.0 DejaClick/2.9.7.2",
    ),
    ("Keynote", "monitoring", f"{_WINDOWS} Chrome/60.0.3112.113 Safari/537.36 KTXN 6012345678a"),
    ("Rigor", "monitoring", f"{_WINDOWS} Chrome/92.0.4515.131 Safari/537.36 Rigor"),
    ("Netsparker", "security", f"{_WINDOWS} Chrome/41.0.2228.0 Safari/537.21 netsparker"),
    ("NovaAct", "ai", f"{_WINDOWS} Chrome/135.0.0.0 Safari/537.36; NovaAct/1.0"),
    ("jsdom", "automation", "Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/22"),
    # Code readers without a phone around them
    ("QRCodeScanner", "other", "QRCodeScanner/1.0"),
    # What stands in an address is no name
    (
        "Acmebility",
        "other",
        "Mozilla/5.0 (compatible; Acmebility; +https://www.acme.example/sites/bot.html)",
    ),
    # In no list: known by their own words, or as no browser looks like that
    (
        "Acme-Site-Monitor",
        "monitoring",
        f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36 Acme-Site-Monitor",
    ),
    ("AcmeSEO-Checker", "other", "AcmeSEO-Checker"),
    ("Acme", "other", "Acme/1.0"),
    ("Acme", "other", "Mozilla/5.0 (compatible; Acme/3.1)"),
    ("Mozilla", "other", "Mozilla/5.0"),
    ("Mozilla", "other", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"),
    ("Acme", "other", f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36 (compatible; Acme)"),
    ("Mozilla", "other", f"{_WINDOWS[:-1]}; Acme Web) Chrome/126.0.0.0 Safari/537.36"),
    ("Mozilla", "other", f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36 (ops@acme.example)"),
    ("Mozilla", "other", f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36 www.acme.example"),
    ("AcmeShopBot", "other", "Mozilla/5.0 (compatible; AcmeShopBot/0.9)"),
    ("Acme-Scraper", "other", "Acme-Scraper 2"),
    (
        "Acme Thing",
        "other",
        "Mozilla/5.0 (compatible; Acme Thing/1.0; +https://acme.example/about)",
    ),
    ("AcmeThing", "other", "AcmeThing/1.0 (+https://acme.example/about)"),
]


@pytest.mark.parametrize(("device", "user_agent"), PERSONS)
def test_people_are_persons_whatever_they_browse_with(device: str, user_agent: str) -> None:
    agent = classify(user_agent)
    assert (agent.class_, agent.robot, agent.tag, agent.device) == ("person", "", "", device)
    assert agent.browser
    assert agent.system


def test_the_list_of_persons_is_long_enough_to_mean_something() -> None:
    assert len({user_agent for _, user_agent in PERSONS}) >= 50


@pytest.mark.parametrize(("name", "user_agent"), PREVIEWS)
def test_link_previews_are_named(name: str, user_agent: str) -> None:
    assert classify(user_agent) == Agent("preview", name, "preview")


@pytest.mark.parametrize(("name", "user_agent"), SCANNERS)
def test_mail_scanners_are_named(name: str, user_agent: str) -> None:
    assert classify(user_agent) == Agent("scanner", name, "scanner")


@pytest.mark.parametrize(("name", "tag", "user_agent"), ROBOTS)
def test_robots_are_named(name: str, tag: str, user_agent: str) -> None:
    assert classify(user_agent) == Agent("robot", name, tag)


def test_nearly_all_examples_of_the_public_list_are_found() -> None:
    examples = [
        text
        for line in crawleruseragents.CRAWLER_USER_AGENTS_DATA
        for text in line.get("instances", ())
    ]
    found = sum(classify(text).class_ != "person" for text in examples)
    assert len(examples) > 1500
    assert found / len(examples) >= 0.99


def test_the_lines_left_out_of_the_public_list_are_still_in_it() -> None:
    """Else the reason for leaving one out has gone, and the line may go as well."""
    lines = {line["pattern"] for line in crawleruseragents.CRAWLER_USER_AGENTS_DATA}
    assert lines >= robots._NOT_ROBOTS


@pytest.mark.parametrize("user_agent", [user_agent for _, user_agent in PERSONS])
def test_the_fast_parser_agrees_with_the_slow_one(user_agent: str) -> None:
    fast, slow = devices.UserAgent(user_agent), user_agents.parse(user_agent)
    assert (fast.browser, fast.os, fast.device) == (slow.browser, slow.os, slow.device)
    for answer in ("is_mobile", "is_tablet", "is_pc", "is_touch_capable", "is_bot"):
        assert getattr(fast, answer) == getattr(slow, answer)


_FROZEN = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0{} Safari/537.36"
)
_CHROME = f"{_WINDOWS} Chrome/142.0.0.0 Safari/537.36"
_AS_DESKTOP = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "hints", "device", "system"),
    [
        (_FROZEN.format(" Mobile"), "?1|Android|Pixel 9|15.0.0", "mobile", "Android"),
        (_FROZEN.format(""), "?0|Android|SM-X200|14.0.0", "tablet", "Android"),
        (_FROZEN.format(""), "?1|Android||", "mobile", "Android"),
        (_FROZEN.format(""), "?0|Android|BRAVIA 4K UR3|", "tv", "Android"),
        (_AS_DESKTOP, "?0|Android|SM-X910|15.0.0", "tablet", "Android"),
        (_AS_DESKTOP, "?0|Linux||6.8.0", "desktop", "Linux"),
        (_AS_DESKTOP, "?0|Chrome OS||16093.68.0", "desktop", "Chrome OS"),
        (_AS_DESKTOP, "?0|Chromium OS||", "desktop", "Chrome OS"),
        (_CHROME, "?0|Windows||15.0.0", "desktop", "Windows 11"),
        (_CHROME, "?0|Windows||13.0.0", "desktop", "Windows 11"),
        (_CHROME, "?0|Windows||10.0.0", "desktop", "Windows"),
        (_CHROME, "?0|Windows||0.3.0", "desktop", "Windows"),
        (_CHROME, "?0|Windows||", "desktop", "Windows"),
        (f"{_MAC} Chrome/142.0.0.0 Safari/537.36", "?0|macOS||15.1.0", "desktop", "Mac OS X"),
        # No hints, nonsense and lies
        (_CHROME, "", "desktop", "Windows"),
        (_CHROME, "|||", "desktop", "Windows"),
        (_CHROME, "?0", "desktop", "Windows"),
        (_CHROME, "?0|Windows||٣٣", "desktop", "Windows"),
        (_CHROME, "?7|Amiga|A500|3.1|more|and more", "desktop", "Windows"),
    ],
)
def test_client_hints_mend_what_a_frozen_user_agent_says(
    user_agent: str, hints: str, device: str, system: str
) -> None:
    agent = classify(user_agent, hints)
    assert (agent.class_, agent.device, agent.system) == ("person", device, system)
    assert agent.browser == classify(user_agent).browser


@pytest.mark.parametrize("user_agent", [user_agent for _, _, user_agent in ROBOTS])
def test_hints_of_robots_change_nothing(user_agent: str) -> None:
    assert classify(user_agent, "?1|Android|Pixel 9|15.0.0") == classify(user_agent)


@given(st.text(max_size=200))
def test_no_hints_raise(hints: str) -> None:
    assert classify(_CHROME, hints).class_ == "person"


def test_browser_and_system_are_families() -> None:
    agent = classify(f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1")
    assert (agent.browser, agent.system) == ("Mobile Safari", "iOS")


PERSON, ROBOT, PREVIEW, SCANNER = (
    Agent("person"),
    Agent("robot", "curl", "library"),
    Agent("preview", "Slack", "preview"),
    Agent("scanner", "Mimecast", "scanner"),
)


@pytest.mark.parametrize(
    ("head", "prefetch", "agent", "expected"),
    [
        (False, False, PERSON, "person"),
        (False, True, PERSON, "prefetch"),
        (False, True, ROBOT, "robot"),
        (False, True, PREVIEW, "preview"),
        (False, False, SCANNER, "scanner"),
        *((True, *rest, "head") for rest in itertools.product((False, True), (PERSON, ROBOT))),
    ],
)
def test_the_class_of_a_click(head: bool, prefetch: bool, agent: Agent, expected: str) -> None:
    assert click_class(head=head, own=False, prefetch=prefetch, agent=agent) == expected


def test_an_own_visit_is_one_whatever_runs_there() -> None:
    for agent in (PERSON, ROBOT, SCANNER):
        assert click_class(head=False, own=True, prefetch=True, agent=agent) == "own"
    assert click_class(head=True, own=True, prefetch=False, agent=PERSON) == "head"


@given(st.text(st.characters(), max_size=600))
@example("\ud800" * 512)
@example("\0")
@example("Bot\0\ud800/1")
def test_no_user_agent_raises_and_every_name_is_bounded(user_agent: str) -> None:
    agent = classify(user_agent)
    for name in (agent.robot, agent.browser, agent.system):
        assert len(name) <= 64
        assert name.isprintable()
        assert name.isascii()
    assert (agent.class_ == "person") == (agent.robot == "")
    assert (agent.class_ == "person") == bool(agent.browser and agent.system)


HOSTILE = (
    *(
        "a",
        "(",
        "-",
        "_",
        "1_",
        "bot",
        "check",
        "link",
        "url ",
        "A.-",
        "www",
        "site-",
        "%20",
        "[at]",
    ),
    *("a@", "a@b.", "compatible; A ", "Android 4;", "Android 5.0;", "Android", "iPhone;", "cubot"),
    *("Spider", "Spider.spider.co", "ContextualBot", "+ http", "💩", "Sogou ", "Current RSS "),
    *("Mozilla/5.0 (", "Mozilla/4.0a-a ", "User-Agent,", '"', "=", "KHTML, like Gecko; ", ";"),
    *("[FBAN/", " Instagram 1 a (", " Mobile", "Line/1 ", "Channel/a ", " (like ", "like Gecko) "),
)
BEGINNINGS = ("", f"{_WINDOWS} ", "Mozilla/5.0 (Linux; Android 14; ", f"{_IPHONE} Mobile/15E148")


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_hostile_user_agent_costs_no_time(pattern: str) -> None:
    for beginning, between in itertools.product(BEGINNINGS, ("", " ", "bot")):
        text = (beginning + (pattern + between) * 512)[:511] + "!"
        started = time.thread_time()
        agents._read.__wrapped__(text)
        assert time.thread_time() - started < 0.05, text


def test_beyond_its_first_512_characters_nothing_is_read() -> None:
    text = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0" + " " * 450
    assert classify(text + "Googlebot " * 100_000) == classify(text)
