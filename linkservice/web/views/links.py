"""The list of links: searched, filtered, changed many at once, saved as a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Response, request, stream_with_context

from linkservice import cells
from linkservice.errors import Invalid, Problem
from linkservice.links import history
from linkservice.links.addresses import short_url
from linkservice.links.bulk import BulkChange, change_links
from linkservice.links.listing import STATES, LinkFilter
from linkservice.links.manage import MOST_AT_ONCE
from linkservice.reports.link_list import SORTS, link_csv, link_page
from linkservice.web import places
from linkservice.web.charts import sparkline
from linkservice.web.door import Pages
from linkservice.web.i18n import N_, gettext, ngettext
from linkservice.web.page import Page, address
from linkservice.web.views.new_link import tag_names

PAGES = Pages("links")

ROWS = 50
USUAL = {"state": "current", "sort": "newest"}
FILTERS = ("q", "touchpoint_id", "stage_id", "journey_id", "campaign_id", "tag", "domain", "state")

STATE_WORDS = {
    "current": N_("All but archived"),
    "live": N_("Live"),
    "paused": N_("Paused"),
    "expired": N_("Expired"),
    "archived": N_("Archived"),
    "deleted": N_("Deleted"),
    "all": N_("All"),
}
SORT_WORDS = {
    "newest": N_("Newest first"),
    "name": N_("By name"),
    "clicks": N_("Most clicks in 30 days"),
    "changed": N_("Changed last"),
}
DEEDS: dict[str, BulkChange] = {
    "pause": {"active": False},
    "resume": {"active": True},
    "archive": {"archived": True},
    "unarchive": {"archived": False},
    "delete": {"deleted": True},
    "restore": {"deleted": False},
}


@PAGES.get("/links", scope="links:read")
def links(page: Page) -> Response:
    """The links that match the query, a page of them."""
    wanted, sort = _wanted(page)
    try:
        found = link_page(
            page.session,
            page.actor,
            wanted,
            sort=sort,
            cursor=page.query.get("cursor") or None,
            limit=ROWS,
            now=page.now,
        )
    except Invalid:
        # An address that was typed or kept too long: the list as it begins.
        return page.go("links")
    maps = places.journeys(page)
    offered: dict[str, Any] = {
        "touchpoints": places.touchpoint_groups(maps),
        "stages": places.stage_groups(maps),
        "campaigns": places.campaigns(page),
        "tags": places.tag_names(page),
        "domains": places.domains(page),
        "states": [(state, gettext(STATE_WORDS[state])) for state in STATES],
        "sorts": [(each, gettext(SORT_WORDS[each])) for each in SORTS],
    }
    query = _query(page)
    following = found.next_cursor and address("links", **query, cursor=found.next_cursor)
    return page.render(
        "links/list.html",
        rows=[(row, _short(page, row.view), sparkline(row.series)) for row in found.rows],
        total=found.total,
        following=following,
        first=address("links", **query) if "cursor" in page.query else None,
        chosen=page.query,
        chips=_chips(page, offered),
        sort=sort,
        query=query,
        narrowed=any(value != USUAL.get(name) for name, value in query.items() if name != "q"),
        state_words=STATE_WORDS,
        **offered,
    )


@PAGES.get("/links.csv", scope="links:read")
def links_csv(page: Page) -> Response:
    """All matches as a table, whatever their number."""
    wanted, sort = _wanted(page)
    lines = link_csv(page.session, page.actor, page.settings, wanted, sort=sort, now=page.now)
    # Asked for here, so that what is wrong is told as a page.
    head = next(lines)
    day = page.now.date().isoformat()

    def written() -> Iterator[str]:
        yield cells.MARK
        with page.database.reading() as session:
            again = link_csv(session, page.actor, page.settings, wanted, sort=sort, now=page.now)
            for line in again:
                yield cells.line(line)

    assert head
    answer = Response(stream_with_context(written()), content_type="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=f"links-{day}.csv")
    return answer


@PAGES.post("/links/bulk", scope="links:write", again=links)
def links_bulk(page: Page) -> Response:
    """One change of all that are ticked; the toast takes it back."""
    form = page.form
    deed = form.text("deed")
    if deed == "sheet":
        return page.go("new_sheet", link_id=form.every("link_id"))
    wanted: BulkChange
    if deed in DEEDS:
        wanted = DEEDS[deed]
    elif deed == "tag":
        wanted = {"add_tags": tag_names(form.text("tag"))}
    elif deed == "untag":
        wanted = {"remove_tags": tag_names(form.text("tag"))}
    elif deed == "touchpoint":
        wanted = {"touchpoint_id": form.optional("touchpoint_id")}
    elif deed == "campaign":
        wanted = {"campaign_id": form.optional("campaign_id")}
    else:
        raise Invalid(Problem("deed", "not_one_of", {"allowed": ", ".join(DEEDS)}))
    changed = change_links(page.session, page.actor, form.every("link_id"), wanted, page.now)
    toast = ngettext("%(num)s link is changed.", "%(num)s links are changed.", len(changed))
    undo = ""
    if changed:
        undo = address("undo_links", changed=".".join(f"{i}-{v}" for i, v in changed))
    return page.go_back("links", toast=toast, undo=undo)


@PAGES.post("/links/undo", scope="links:write")
def undo_links(page: Page) -> Response:
    """Take a change of many links back."""
    pairs = [each.partition("-")[::2] for each in page.query.get("changed", "").split(".")]
    if len(pairs) > MOST_AT_ONCE or not all(i.isdigit() and v.isdigit() for i, v in pairs):
        raise Invalid(Problem("", "nothing_to_undo"))
    changed = [(link_id, int(version[:9])) for link_id, version in pairs]
    count = history.undo_many(page.session, page.actor, page.settings, changed, page.now)
    toast = ngettext("%(num)s link is as before.", "%(num)s links are as before.", count)
    return page.go("links", toast=toast)


def _wanted(page: Page) -> tuple[LinkFilter, str]:
    """The filter and the order the query asks for; what is empty asks for nothing."""
    given = {name: page.query[name] for name in FILTERS if page.query.get(name)}
    wanted = LinkFilter(**given)  # type: ignore[arg-type]  # every one of them is a text
    ids = request.args.getlist("id")
    return (replace(wanted, ids=ids, state="all") if ids else wanted), (
        page.query.get("sort") or "newest"
    )


def _query(page: Page) -> dict[str, Any]:
    """What the address of this list says, without the place in it."""
    query: dict[str, Any] = {
        name: page.query[name] for name in (*FILTERS, "sort") if page.query.get(name)
    }
    ids = request.args.getlist("id")
    return {**query, "id": ids} if ids else query


def _chips(page: Page, offered: dict[str, Any]) -> list[tuple[str, str]]:
    """The filters in use, each with the address of the list without it."""
    query = _query(page)
    names = {
        "touchpoint_id": dict(pair for _, group in offered["touchpoints"] for pair in group),
        "stage_id": dict(pair for _, group in offered["stages"] for pair in group),
        "campaign_id": dict(offered["campaigns"]),
        "state": {state: gettext(word) for state, word in STATE_WORDS.items()},
    }
    chips = []
    for name in query:
        if name == "sort":
            continue
        rest = {key: value for key, value in query.items() if key != name}
        if name == "id":
            number = len(query["id"])
            label = ngettext("%(num)s chosen link", "%(num)s chosen links", number)
        elif name == "journey_id":
            label = gettext("One journey")
        else:
            label = names.get(name, {}).get(query[name], query[name])
        chips.append((label, address("links", **rest)))
    return chips


def _short(page: Page, view: Any) -> str:
    return short_url(page.settings, view.host, view.link.slug)
