"""All pages together, as Flask takes them, and what their templates may use."""

from __future__ import annotations

import re
from functools import lru_cache

from flask import Flask
from jinja2 import StrictUndefined, pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.addresses import readable
from linkservice.links.host import reach_of
from linkservice.web import assets, i18n
from linkservice.web.door import Door
from linkservice.web.letters import Address
from linkservice.web.page import address
from linkservice.web.trail_words import who
from linkservice.web.views import DECLARED


def add_to(app: Flask, settings: Settings, database: Database) -> None:
    """Let `app` answer every page of the app for people, and its static files."""
    _prepare_templates(app)
    app.register_blueprint(Door(settings, database).routes(DECLARED))
    app.register_blueprint(assets.pages())


def addresses(app: Flask) -> Address:
    """What makes the path of a page of `app` where no request is being answered."""
    places = app.url_map.bind("")

    def address(endpoint: str, **values: object) -> str:
        return places.build(f"app.{endpoint}", values)

    return address


def _prepare_templates(app: Flask) -> None:
    templates = app.jinja_env
    # A name misspelt in a template is an error of ours, not an empty place on a page.
    templates.undefined = StrictUndefined
    templates.trim_blocks = templates.lstrip_blocks = True
    templates.add_extension("jinja2.ext.i18n")
    templates.globals.update(
        gettext=_gettext,
        _=_gettext,
        ngettext=_ngettext,
        url=address,
        reach_of=reach_of,
        named=lambda names: [(name, name) for name in names],
        asset=assets.address,
    )
    templates.newstyle_gettext = True  # type: ignore[attr-defined]  # of the i18n extension
    templates.filters.update(
        number=i18n.write_number,
        compact=i18n.write_compact,
        percent=i18n.write_percent,
        money=i18n.write_money,
        amount=i18n.write_amount,
        day=i18n.write_day,
        span=i18n.write_span,
        moment=i18n.write_moment,
        readable=readable,
        unbroken=_unbroken,
        who=who,
    )


_INTERVAL = re.compile(r"(?:\(95\s?%: )?[^ ]*\d[^ ]*–[^ ]*\d[^ ]*")


def _unbroken(text: str, look: str = 'class="unbroken"') -> Markup:
    """The text with its intervals ("36–47", "€0.58–1.14") each on one line: browsers break behind a
    dash. With all that sticks to them, so that no sign stands alone at the beginning of a line, and
    with how certain they are.
    `look` is the attribute that keeps them so; letters, which know no style sheet, give theirs.
    """

    def whole(found: re.Match[str]) -> str:
        return f"<span {look}>{found[0]}</span>"

    return Markup(_INTERVAL.sub(whole, str(escape(text))))  # noqa: S704 - escaped above


# As jinja's own "newstyle" functions, but `num` is written as people of that language write it.
@pass_eval_context
def _gettext(context: EvalContext, message: str, /, **facts: object) -> str:
    if context.autoescape and not facts:
        return _label(i18n.spoken(), message)
    text = i18n.look_up(message)
    return (Markup(text) if context.autoescape else text) % facts  # noqa: S704 - a text of ours


# A ranking of 200 touchpoints has 1,400 labels, of which hardly fifty differ.
@lru_cache(maxsize=4096)
def _label(spoken: str, message: str) -> Markup:
    """`message` in the language that is `spoken` now."""
    return Markup(i18n.look_up(message)) % {}  # noqa: S704 - a text of ours


@pass_eval_context
def _ngettext(context: EvalContext, one: str, many: str, number: int, /, **facts: object) -> str:
    text = i18n.look_up_plural(one, many, number)
    facts = {"num": i18n.write_number(number), **facts}
    return (Markup(text) if context.autoescape else text) % facts  # noqa: S704 - a text of ours
