"""The forms in which browsers of people introduce themselves.

Robots come up with new names every day, browsers hardly ever with a new form. So what has
no form of a browser's is a robot, whoever it is (`has_browser_form`), and what consists of
nothing but the words of a browser, or of one inside a well-known app, is none, whatever
lists say (`is_plain_browser`); that also spares most clicks the long way through the lists.

Not here: robots that borrow a browser's form and add their name (`clicks/robots.py`).
"""

from __future__ import annotations

import re

_PLAIN = re.compile(
    r"Mozilla/5\.0 \("
    r"(?:Windows NT [\d.]+(?:; Win64; x64|; WOW64)?|Macintosh; Intel Mac OS X [\d._]+"
    r"|X11; (?:(?:Ubuntu|Fedora); )?Linux (?:x86_64|aarch64|i686)|X11; CrOS \w+ [\d.]+"
    r"|iP(?:hone|ad|od(?: touch)?); (?:U; )?CPU (?:iPhone )?OS [\d_]+ like Mac OS X"
    r"|(?:Linux; )?(?:U; )?Android [\d.]+(?:; [^;()]*)?(?:; wv)?)(?:; rv:[\d.]+)?\)"
    r" (?:AppleWebKit/[\d.]+ \(KHTML, like Gecko\)|Gecko/[\d.]+)"
    r"(?: (?:Version|Chrome|Mobile|Safari|Firefox|Edge?|EdgA|EdgiOS|OPR|CriOS|FxiOS|GSA"
    r"|SamsungBrowser|DuckDuckGo|Ddg|Vivaldi|YaBrowser|Brave|OPiOS|OPX|Focus|Klar|Line"
    r"|MicroMessenger|NetType|Language|Twitter for iPhone|BingSapphire|BytedanceWebview|JsSdk"
    r"|ByteLocale|ByteFullLocale|Region|AppName|app_version|KAKAOTALK|NV)/[\w.()-]+"
    r"| Mobile| Safari| Instagram [\d.]+(?: \w+)? \([^()]*\)| ?\[FB(?:AN/|_IAB/)[^\[\]]*\]"
    r"| \[(?:LinkedInApp|Pinterest/\w+)\](?:/[\d.]+)?| Snapchat/[\d.]+(?: \(like [^()]*\))?"
    r"| Channel/\w+(?: Store)?| (?:musical_ly|trill)_[\w.]+)*"
)

# Some software sends the header's name, quotes or brackets along.
_MOZILLA = re.compile(r"(?i)[\"'=(]*(?:User-Agent[\"':, ]*)?Mozilla/\d")
# Of a browser's engine; of Netscape's time only its own form: "Mozilla/4.79 [en] (X11; …".
_ENGINE = re.compile(
    r"(?i)AppleWebKit|KHTML|\bGecko|Trident|Presto|MSIE|Goanna|Firefox/|NetFront|Teleca|Opera"
    r"|Chrome/|Safari/|\b(?:iCab|OmniWeb|WebTV|Konqueror|IBrowse|NetPositive|NetSurf|Dillo)\b"
    r"|Mozilla/[1-4]\.\d+\w*(?:-\w+)? ?(?:\[\w|\((?:X11|Win|Mac))"
)
# The device and its system, as apps and simple phones give them without any engine.
_HAND_HELD = re.compile(
    r"(?i)iPhone|iPad|iPod|SmartTV|(?<![a-z])(?:Android|iOS|AppleTV|tvOS|Windows Phone"
    r"|Windows CE|Symbian\w*|BlackBerry\w*|webOS|web0s|Tizen|KAIOS|BREW|MIDP|CLDC|MAUI|WAP"
    r"|WAP1\.\d|UP\.(?:Browser|Link)|CFNetwork|Darwin|Dalvik|HbbTV|Smart-TV|SmartHub|Viera"
    r"|YouView\w*|Roku|AFT[A-Z]+|NETTV|CE-HTML|PlayStation|Nintendo|Xbox"
    r"|Obigo|NetFront|Teleca|Maemo|MeeGo|Bada|Opera Mini|Opera Mobi|UCBrowser|MQQBrowser"
    r"|OneBrowser|Jasmine|Dolfin|POLARIS|Dorado|FBAN|FB_IAB|Instagram|KAKAOTALK)\b"
)
# Makers of phones and browsers that begin with their name.
_BY_NAME = re.compile(
    r"(?i)(?:Nokia|SAMSUNG|SEC-|SonyEricsson|LGE?[-/ ]|MOT-|HTC|DoCoMo|KDDI|SoftBank|Vodafone"
    r"|J-PHONE|Alcatel|Philips|SIE-|SAGEM|Panasonic|SHARP|Sanyo|Palm|ZTE|HUAWEI|Lenovo|Karbonn"
    r"|Micromax|LAVA|Xiaomi|TCL|VIZIO|Roku|Bird|Spice|PSP|portalmmm|UCWEB|JUC|Opera|Safari"
    r"|MobileSafari|Lynx/|E?Links[ /(]|w3m/|Dillo|NetSurf|amaya|NCSA|IBrowse|AmigaVoyager"
    r"|Midori/|Uzbl|nook browser"
    r"|BrightSign|Konqueror|iTunes|AppleCoreMedia|Spotify|Deezer|Twitter/)"
)
# Unnamed software; people's browsers of this form name an old browser after the word.
_OTHER_COMPATIBLE = re.compile(
    r"(?i)Mozilla/\d(?:\.\d+)? ?\(compatible(?:; *+|\))(?!MSI|MSPIE|MS ?IE|PIE|Konqueror|Opera|U;"
    r"|Windows|Linux|Android|X11|Mac|iCab|OmniWeb|IBrowse|NetPositive|NetFront|AOL|ABrowse"
    r"|AvantGo|NCBrowser|Polaris|SiteKiosk|Lotus-Notes|OffByOne|Dillo|en-)"
)


def is_plain_browser(text: str) -> bool:
    """Whether this is a browser's user agent without a word that could name anything else."""
    return _PLAIN.fullmatch(text) is not None


def has_browser_form(text: str) -> bool:
    """Whether people's browsers, or the apps of their phones, introduce themselves like this."""
    if _MOZILLA.match(text):
        known = _ENGINE.search(text) or _HAND_HELD.search(text)
        return known is not None and not _OTHER_COMPATIBLE.match(text)
    return (_HAND_HELD.search(text) or _BY_NAME.match(text)) is not None
