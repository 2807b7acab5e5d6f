"""The ready-made journey "standard": the field's catalogue of touchpoints, German and English."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TouchpointTemplate:
    """A touchpoint to be made, with its name in both languages."""

    de: str
    en: str
    channel: str
    kind: str
    medium: str
    moment_of_truth: bool = False

    def name(self, locale: str) -> str:
        return self.de if locale == "de" else self.en


@dataclass(frozen=True, slots=True)
class StageTemplate:
    """A stage to be made, with its touchpoints in order."""

    de: str
    en: str
    touchpoints: tuple[TouchpointTemplate, ...]

    def name(self, locale: str) -> str:
        return self.de if locale == "de" else self.en


_T = TouchpointTemplate

STANDARD: tuple[StageTemplate, ...] = (
    StageTemplate(
        "Vor dem Kauf",
        "Before the purchase",
        (
            _T("Online-Werbung", "Online advertising", "ads_online", "digital", "paid"),
            _T("Plakate und Anzeigen", "Posters and print ads", "poster", "physical", "paid"),
            _T("Social Media", "Social media", "social", "digital", "owned"),
            _T("Ratgeber und Videos", "Blog and videos", "other", "digital", "owned"),
            _T("Website", "Company website", "product_page", "digital", "owned"),
            _T("Katalog", "Catalogue", "ads_print", "physical", "owned"),
            _T("Verkaufsgespräch", "Sales talk", "other", "human", "owned", True),
            _T("Online-Bewertungen", "Online reviews", "review", "digital", "earned", True),
        ),
    ),
    StageTemplate(
        "Kauf",
        "Purchase",
        (
            _T("Produktseite", "Product page", "product_page", "digital", "owned"),
            _T("Kasse", "Checkout", "checkout", "digital", "owned", True),
            _T("Beratung beim Kauf", "Customer service during purchase", "chat", "human", "owned"),
            _T("Bezahlarten", "Payment options", "checkout", "digital", "owned"),
            _T("Filiale", "Branch or shop", "shop", "physical", "owned", True),
        ),
    ),
    StageTemplate(
        "Nach dem Kauf",
        "After the purchase",
        (
            _T("Folge-E-Mail", "Follow-up e-mail", "email", "digital", "owned"),
            _T("Versandbenachrichtigung", "Delivery notification", "email", "digital", "owned"),
            _T("Paketbeilage", "Pack insert", "packaging", "physical", "owned", True),
            _T("Kundenbetreuung", "Support", "helpdesk", "human", "owned"),
            _T("Zufriedenheitsumfrage", "Satisfaction survey", "email", "digital", "owned"),
            _T("Rechnung", "Account statement", "invoice", "physical", "owned"),
        ),
    ),
    StageTemplate(
        "Service und Hilfe",
        "Service and support",
        (
            _T("Helpdesk", "Help desk", "helpdesk", "human", "owned", True),
            _T("Live-Chat", "Live chat", "chat", "human", "owned"),
            _T("Telefonservice", "Phone support", "phone", "human", "owned"),
            _T("Häufige Fragen", "FAQ", "faq", "digital", "owned"),
            _T("E-Mail-Service", "E-mail support", "email", "human", "owned"),
            _T("Chatbot", "Chatbot", "chat", "digital", "owned"),
            _T("Social-Media-Service", "Social media support", "social", "human", "owned"),
            _T("Service-App", "Self-service app", "app", "digital", "owned"),
        ),
    ),
)

TEMPLATES: dict[str, tuple[StageTemplate, ...]] = {"standard": STANDARD}
