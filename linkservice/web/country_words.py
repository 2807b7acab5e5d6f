"""Countries within a sentence: "from Germany", "from the United States", "aus der Schweiz".

Decided here: which of them have an article, and what German makes of them in the dative, which no
library tells. Names alone: `value_words.country_name`.
"""

from __future__ import annotations

from collections.abc import Mapping

from linkservice.web.i18n import spoken
from linkservice.web.value_words import country_name

_ENGLISH = "AE BQ BS CF DO GB GM IM IO KM MV NL PH PS SC TF US"
"""Those that English gives an article, besides all "Islands"."""

_GERMAN = {
    "der": "AQ BV CH CP CX EH HK IM MN MO NF SK TR UA VA",
    "dem": "IQ IR LB NE SD SN SS TD YE",
    "den": "AX BS CC CK FK KM KY MH MV PH PN SB SC TC",
}
"""Those that German gives one, and whose name stays as it is: plurals that end in n already."""

_DATIVE: Mapping[str, str] = {
    "AE": "den Vereinigten Arabischen Emiraten",
    "BQ": "den Karibischen Niederlanden",
    "CF": "der Zentralafrikanischen Republik",
    "DO": "der Dominikanischen Republik",
    "FO": "den Färöern",
    "GB": "dem Vereinigten Königreich",
    "GS": "Südgeorgien und den Südlichen Sandwichinseln",
    "HM": "Heard und den McDonaldinseln",
    "IC": "den Kanarischen Inseln",
    "IO": "dem Britischen Territorium im Indischen Ozean",
    "MD": "der Republik Moldau",
    "MP": "den Nördlichen Marianen",
    "NL": "den Niederlanden",
    "PS": "den Palästinensischen Autonomiegebieten",
    "TF": "den Französischen Süd- und Antarktisgebieten",
    "UM": "den Amerikanischen Überseeinseln",
    "US": "den USA",
    "VC": "St. Vincent und den Grenadinen",
    "VG": "den Britischen Jungferninseln",
    "VI": "den Amerikanischen Jungferninseln",
}
"""Those whose name does not, or that have an article within it."""


def after_from(code: str) -> str:
    """The country as it stands after "from", or after German "aus"."""
    name = country_name(code)
    if spoken() == "de":
        if code in _DATIVE:
            return _DATIVE[code]
        article = next((one for one, codes in _GERMAN.items() if code in codes.split()), "")
        return f"{article} {name}".lstrip()
    has_article = code in _ENGLISH.split() or name.endswith(" Islands")
    return f"the {name}" if has_article else name
