"""Past clicks come in whole, once, on their local day; a wrong file changes nothing."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cast import NOW, Home, make_home, make_link, make_touchpoint
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rollups import told, visitor_keys
from sqlalchemy import delete, func, select
from terminal import done, refused

from linkservice.clicks import imports
from linkservice.clicks.audit import audit
from linkservice.clicks.calendar import epoch_ms, moment
from linkservice.clicks.imports import import_clicks, waiting
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.ledger_model import Import
from linkservice.clicks.model import CLASSES, AgentName, Click, FacetValue, LinkDay, Mark
from linkservice.clicks.segment import segments
from linkservice.config import Settings, load
from linkservice.database import Database
from linkservice.errors import Failed, Forbidden, Invalid
from linkservice.links.manage import change_link, delete_link
from linkservice.workspaces.access import Actor

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
LINE = {
    "time": "2026-10-25T00:30:00Z",
    "slug": "sommer",
    "source": "click",
    "user_agent": PHONE,
    "address": "203.0.113.7",
}

Json = Mapping[str, object]


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        home = make_home(session, settings)
        make_link(session, settings, home, "sommer", make_touchpoint(session, home))
        return home


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clicks.jsonl"


def write(file: Path, lines: Iterable[Json], end: str = "\n") -> Path:
    file.write_text("".join(json.dumps(line) + end for line in lines))
    return file


def bring_in(settings: Settings, database: Database, home: Home, file: Path) -> imports.Imported:
    """Import and ingest."""
    found = import_clicks(settings, database, home.actor, file, NOW, lambda done: None)
    Ingester(settings, database).run_once()
    return found


def days(database: Database) -> dict[date, int]:
    with database.reading() as session:
        rows = session.execute(
            select(LinkDay.local_date, func.sum(LinkDay.clicks)).group_by(LinkDay.local_date)
        )
        return {day: int(clicks) for day, clicks in rows}


def total(database: Database) -> int:
    return sum(days(database).values())


# what comes in


@pytest.mark.parametrize(
    ("time_zone", "change"),
    [
        ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ],
)
def test_6000_clicks_over_a_clock_change_twice(
    settings: Settings,
    database: Database,
    file: Path,
    time_zone: str,
    change: datetime,
) -> None:
    with database.transaction() as session:
        home = make_home(session, settings, time_zone=time_zone)
        make_link(session, settings, home, "sommer")
    # 83 s apart: nearly six days around the change, every local hour hit.
    moments = [change + timedelta(seconds=83 * (number - 3000)) for number in range(6000)]
    write(file, ({**LINE, "time": moment.isoformat()} for moment in moments))
    expected = Counter(moment.astimezone(ZoneInfo(time_zone)).date() for moment in moments)
    for _ in range(2):
        bring_in(settings, database, home, file)
        assert days(database) == expected
    assert audit(settings, database).difference == 0
    with database.reading() as session:
        # One phone behind one address: one visitor on each local day.
        visitors = session.execute(select(LinkDay.local_date, LinkDay.visitors))
        assert dict(visitors.all()) == dict.fromkeys(expected, 1)


def test_a_line_becomes_a_click_like_any_other(
    settings: Settings, database: Database, home: Home, file: Path
) -> None:
    optional = {"domain": home.host, "referrer": "https://www.news.example/x", "language": "de-DE"}
    write(file, [{**LINE, **optional, "source": "scan", "address": "84.150.1.2", "slug": "SOMMER"}])
    assert bring_in(settings, database, home, file) == imports.Imported(1, 1)
    with database.reading() as session:
        click = session.scalars(select(Click)).one()
        assert (CLASSES[click.click_class], click.touchpoint_id > 0) == ("person", True)
        new = Mark.NEW_FOR_LINK | Mark.NEW_FOR_TOUCHPOINT | Mark.NEW_FOR_JOURNEY
        assert click.flags == Mark.SCAN | new
        assert (date.fromordinal(click.local_day), click.local_hour) == (date(2026, 10, 25), 2)
        values = [
            session.get_one(FacetValue, number).value
            for number in (click.country_id, click.language_id, click.referrer_id)
        ]
        assert values == ["DE", "de", "news.example"]
        agent = session.get_one(AgentName, click.agent_id)
        assert (agent.device, agent.browser, agent.robot) == ("mobile", "Mobile Safari", "")
        facets = dict(told(session))
    assert facets[("device", "mobile")] == facets[("browser", "Mobile Safari")] == 1


def test_robots_and_unknown_people_are_told_apart(
    settings: Settings, database: Database, home: Home, file: Path
) -> None:
    robot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    write(
        file,
        [
            {**LINE, "user_agent": robot},
            {**LINE, "user_agent": "", "address": None},
            {**LINE, "address": ""},
            {**LINE, "address": "2001:db8::7", "referrer": None, "language": None},
        ],
    )
    bring_in(settings, database, home, file)
    with database.reading() as session:
        day = session.scalars(select(LinkDay)).one()
        assert (day.clicks, day.visitors, day.tokenless, day.robots) == (2, 1, 1, 2)


def test_a_click_belongs_to_the_version_of_its_time(
    settings: Settings, database: Database, file: Path
) -> None:
    begun = datetime(2026, 10, 1, tzinfo=UTC)
    with database.transaction() as session:
        home = make_home(session, settings, now=begun)
        first = make_touchpoint(session, home, "Poster", begun)
        second = make_touchpoint(session, home, "Flyer", begun)
        link = make_link(session, settings, home, "sommer", first, begun)
        moved = begun + timedelta(days=10)
        wanted = {"touchpoint_id": second}
        change_link(session, home.actor, settings, str(link.id), wanted, moved)
    times = [begun - timedelta(days=90), moved - timedelta(seconds=1), moved]
    write(file, ({**LINE, "time": each.isoformat()} for each in times))
    bring_in(settings, database, home, file)
    with database.reading() as session:
        found = session.scalars(select(Click.touchpoint_id).order_by(Click.time_ms)).all()
    assert [str(each) for each in found] == [first, first, second]


def test_clicks_of_a_deleted_link_happened(
    settings: Settings, database: Database, home: Home, file: Path
) -> None:
    with database.transaction() as session:
        link = make_link(session, settings, home, "winter")
        delete_link(session, home.actor, str(link.id), NOW)
    write(file, [{**LINE, "slug": "winter"}])
    bring_in(settings, database, home, file)
    assert total(database) == 1


def test_local_hosts_stand_for_the_first_domain(
    settings: Settings, database: Database, home: Home, file: Path
) -> None:
    hosts = ("localhost", "192.168.1.4:9999", "127.0.0.1", home.host, "", None)
    write(file, ({**LINE, "domain": host} for host in hosts))
    bring_in(settings, database, home, file)
    assert total(database) == len(hosts)


# once and only once


def test_equal_lines_are_different_clicks(
    settings: Settings, database: Database, home: Home, file: Path
) -> None:
    write(file, [LINE] * 50)
    assert bring_in(settings, database, home, file) == imports.Imported(50, 50)
    assert bring_in(settings, database, home, file) == imports.Imported(50, 0)
    assert days(database) == {date(2026, 10, 25): 50}


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_grown_file_adds_only_what_is_new(
    settings: Settings, database: Database, home: Home, file: Path, end: str
) -> None:
    """Also when its last line had no end before it grew."""
    text = (json.dumps(LINE) + (end or "\n")) * 5
    file.write_bytes(text.removesuffix("\n" if end == "" else "").encode())
    assert bring_in(settings, database, home, file).added == 5
    file.write_bytes((text + json.dumps({**LINE, "source": "scan"}) + (end or "\n")).encode())
    assert bring_in(settings, database, home, file) == imports.Imported(6, 1)
    assert bring_in(settings, database, home, file) == imports.Imported(6, 0)
    assert total(database) == 6


def test_a_copy_under_another_name_is_the_same_file(
    settings: Settings, database: Database, home: Home, file: Path, tmp_path: Path
) -> None:
    bring_in(settings, database, home, write(file, [LINE] * 3))
    copy = write(tmp_path / "copy.jsonl", [LINE] * 3, end="\r\n")
    assert bring_in(settings, database, home, copy).added == 0
    assert total(database) == 3


def test_another_file_with_the_same_lines_counts(
    settings: Settings, database: Database, home: Home, file: Path, tmp_path: Path
) -> None:
    bring_in(settings, database, home, write(file, [LINE] * 3))
    bring_in(settings, database, home, write(tmp_path / "other", [{**LINE, "language": ""}] * 3))
    assert total(database) == 6


class PowerCut(BaseException):
    pass


@pytest.mark.parametrize("grown", [False, True])
@pytest.mark.parametrize("remembered", [False, True])
def test_an_interrupted_import_goes_on_where_it_stopped(
    settings: Settings,
    database: Database,
    home: Home,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    remembered: bool,
    grown: bool,
) -> None:
    """Stopped behind its second chunk, which the database remembers or not; then it may grow."""
    monkeypatch.setattr(imports, "LINES_OF_A_CHUNK", 10)
    write(file, [LINE] * 34)
    writes = Counter[str]()
    write_segment = imports.write_segment

    def stop_after_two(*arguments: object) -> str:
        name = write_segment(*arguments)  # type: ignore[arg-type]  # passed on as they came
        writes["segments"] += 1
        if writes["segments"] == 2 and not remembered:
            raise PowerCut
        if writes["segments"] == 3:
            raise PowerCut
        return name

    monkeypatch.setattr(imports, "write_segment", stop_after_two)
    with pytest.raises(PowerCut):
        bring_in(settings, database, home, file)
    monkeypatch.setattr(imports, "write_segment", write_segment)
    lines = 34
    if grown:
        # Another size of chunk, too: only the content counts.
        monkeypatch.setattr(imports, "LINES_OF_A_CHUNK", 1000)
        write(file, [LINE] * 77)
        lines = 77
    bring_in(settings, database, home, file)
    bring_in(settings, database, home, file)
    assert total(database) == lines
    assert audit(settings, database).difference == 0


def test_what_the_database_forgot_the_ledger_still_knows(
    settings: Settings, database: Database, home: Home, file: Path
) -> None:
    """As after a restore: the rows of imports are gone and the spool was replayed."""
    bring_in(settings, database, home, write(file, [LINE] * 7))
    with database.transaction() as session:
        session.execute(delete(Import))
    for segment in segments(settings.spool_dir):
        segment.path.unlink()
    bring_in(settings, database, home, file)
    assert total(database) == 7


def test_two_imports_at_once_count_once(
    settings: Settings, database: Database, home: Home, file: Path
) -> None:
    write(file, [LINE] * 300)
    both = [
        threading.Thread(target=bring_in, args=(settings, database, home, file)) for _ in range(2)
    ]
    for each in both:
        each.start()
    for each in both:
        each.join()
    Ingester(settings, database).run_once()
    assert total(database) == 300


def test_visitors_of_a_day_that_spans_chunks_are_counted_once(
    settings: Settings,
    database: Database,
    home: Home,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "LINES_OF_A_CHUNK", 10)
    write(file, ({**LINE, "address": f"203.0.113.{number % 4}"} for number in range(95)))
    bring_in(settings, database, home, file)
    with database.reading() as session:
        day = session.scalars(select(LinkDay)).one()
        assert (day.clicks, day.visitors) == (95, 4)
        assert visitor_keys(session) == 12


@hypothesis_settings(max_examples=12)
@given(
    moments=st.lists(
        st.integers(epoch_ms(NOW) - 3_000_000_000, epoch_ms(NOW)), min_size=1, max_size=40
    ),
    cuts=st.lists(st.integers(0, 40), max_size=3),
)
def test_however_a_file_grows_every_click_counts_once(
    tmp_path_factory: pytest.TempPathFactory,
    migrated: Path,
    moments: list[int],
    cuts: list[int],
) -> None:
    folder = tmp_path_factory.mktemp("grown")
    (folder / "linkservice.db").write_bytes(migrated.read_bytes())
    settings = load({}, data_dir=folder)
    database = Database(settings.database_url)
    with database.transaction() as session:
        home = make_home(session, settings)
        make_link(session, settings, home, "sommer")
    lines = [{**LINE, "time": moment(each).isoformat()} for each in moments]
    for cut in [*sorted(cuts), len(lines)]:
        bring_in(settings, database, home, write(folder / "clicks.jsonl", lines[:cut]))
    berlin = ZoneInfo("Europe/Berlin")
    expected = Counter(moment(each).astimezone(berlin).date() for each in moments)
    assert days(database) == expected
    database.close()


# what does not come in


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "line 2: Not a JSON object"),
        (b"[]", "line 2: Not a JSON object"),
        (b"null", "line 2: Not a JSON object"),
        (b"\xff\xfe{\x00}\x00", "line 2: Not a JSON object"),
        (b"[" * 60_000, "line 2: Not a JSON object"),
        (b"1" * 60_000, "line 2: Not a JSON object"),
        (b'"' + b"x" * 70_000, "line 2: A line has at most"),
        (b"{}", "line 2, time: This field is missing"),
        ({"name": "x"}, "line 2, name: There is no such field"),
        ({"\ud800" * 50: 1}, "There is no such field"),
        ({"time": None}, "line 2, time: Not a moment"),
        ({"time": 1_761_350_400}, "line 2, time: This must be a text"),
        ({"time": "yesterday"}, "line 2, time: Not a moment"),
        ({"time": "2026-10-25T02:30:00"}, "line 2, time: Not a moment"),
        ({"time": "2026-02-30T00:00:00Z"}, "line 2, time: Not a moment"),
        ({"time": "\ud800"}, "line 2, time: Not a moment"),
        ({"time": "2026-10-25T00:30:00\x00Z"}, "line 2, time: Not a moment"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "line 2, time: The moment lies before 2000"),
        ({"time": "9999-12-31T23:59:59-14:00"}, "line 2, time: The moment lies before 2000"),
        ({"time": "1999-12-31T23:59:59Z"}, "line 2, time: The moment lies before 2000"),
        ({"time": "2026-12-24T00:00:00Z"}, "line 2, time: The moment lies before 2000"),
        ({"slug": "winter"}, "line 2, slug: There is no link “winter”"),
        ({"slug": ""}, "line 2, slug: There is no link “”"),
        ({"slug": None}, "line 2, slug: There is no link “”"),
        ({"slug": ["sommer"]}, "line 2, slug: This must be a text"),
        ({"slug": "x" * 50_000}, "line 2, slug: There is no link"),
        ({"slug": "\ud800"}, "line 2, slug: There is no link"),
        ({"slug": "som\x00mer"}, "line 2, slug: There is no link"),
        ({"source": "mail"}, "line 2, source: This must be one of: click, scan"),
        ({"source": None}, "line 2, source: This must be one of"),
        ({"source": "CLICK"}, "line 2, source: This must be one of"),
        ({"user_agent": 7}, "line 2, user_agent: This must be a text"),
        ({"address": 7}, "line 2, address: This must be a text"),
        ({"address": "somewhere"}, "line 2, address: Not an IP address"),
        ({"address": "203.0.113.256"}, "line 2, address: Not an IP address"),
        ({"address": "203.0.113.7\x00"}, "line 2, address: Not an IP address"),
        ({"address": "\ud800"}, "line 2, address: Not an IP address"),
        ({"domain": "other.example"}, "line 2, domain: The workspace has no domain"),
        ({"domain": "a/b"}, "line 2, domain: The workspace has no domain"),
        ({"domain": "\ud800"}, "line 2, domain: The workspace has no domain"),
        ({"domain": True}, "line 2, domain: This must be a text"),
        ({"referrer": {}}, "line 2, referrer: This must be a text"),
        ({"language": []}, "line 2, language: This must be a text"),
    ],
)
def test_one_wrong_line_and_nothing_is_written(
    on_sqlite: tuple[Settings, Database, Home], file: Path, line: bytes | Json, message: str
) -> None:
    settings, database, _ = on_sqlite
    raw = line if isinstance(line, bytes) else json.dumps({**LINE, **line}).encode()
    good = json.dumps(LINE).encode()
    file.write_bytes(good + b"\n" + raw + b"\n" + good + b"\n")
    told = refused(settings, "clicks", "import", str(file))
    assert message in told
    assert segments(settings.spool_dir) == []
    assert (total(database), audit(settings, database).accepted) == (0, 0)


@pytest.fixture
def on_sqlite(tmp_path: Path, migrated: Path) -> Iterable[tuple[Settings, Database, Home]]:
    """For what never reaches the database: one kind is enough."""
    folder = tmp_path / "lite"
    folder.mkdir()
    (folder / "linkservice.db").write_bytes(migrated.read_bytes())
    settings = load({}, data_dir=folder)
    database = Database(settings.database_url)
    with database.transaction() as session:
        home = make_home(session, settings)
        make_link(session, settings, home, "sommer")
    yield settings, database, home
    database.close()


def test_everything_wrong_in_a_line_is_told_at_once(
    on_sqlite: tuple[Settings, Database, Home], file: Path
) -> None:
    settings, _, _ = on_sqlite
    write(file, [{**LINE, "time": "x", "source": "x", "address": "x", "slug": "x"}])
    told = refused(settings, "clicks", "import", str(file))
    for field in ("time", "source", "address", "slug"):
        assert f"line 1, {field}: " in told


def test_at_most_five_problems_are_told(
    on_sqlite: tuple[Settings, Database, Home], file: Path
) -> None:
    settings, database, home = on_sqlite
    write(file, [{**LINE, "slug": "x"}] * 9)
    with pytest.raises(Invalid) as caught:
        bring_in(settings, database, home, file)
    assert [problem.field for problem in caught.value.problems] == [
        f"line {number}, slug" for number in range(1, 6)
    ]


def test_what_hostile_browsers_send_is_cut_and_kept(
    on_sqlite: tuple[Settings, Database, Home], file: Path
) -> None:
    settings, database, home = on_sqlite
    agents = ["\ud800x", "a\0b", "ü" * 2000, "\n\r\t", "=cmd()", "<script>"]
    write(
        file,
        [
            {**LINE, "user_agent": each, "referrer": each, "language": each, "address": "::1"}
            for each in agents
        ],
    )
    bring_in(settings, database, home, file)
    found = audit(settings, database)
    assert (found.ingested, found.rejected, found.difference) == (len(agents), 0, 0)


def test_files_that_cannot_be_read_are_named(
    on_sqlite: tuple[Settings, Database, Home], tmp_path: Path
) -> None:
    settings, database, home = on_sqlite
    missing, pipe = tmp_path / "missing.jsonl", tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "missing.jsonl cannot be read: No such file" in refused(
        settings, "clicks", "import", str(missing)
    )
    assert "is no regular file" in refused(settings, "clicks", "import", str(pipe))
    assert "is no regular file" in refused(settings, "clicks", "import", str(tmp_path))
    assert refused(settings, "clicks", "import", "")
    assert refused(settings, "clicks", "import", "/\udcff" + "x" * 300)
    with pytest.raises(Failed, match="cannot be read"):
        bring_in(settings, database, home, missing)


def test_a_file_without_clicks_is_no_error(
    on_sqlite: tuple[Settings, Database, Home], file: Path
) -> None:
    settings, database, home = on_sqlite
    for content in (b"", b"\n\r\n \n"):
        file.write_bytes(content)
        assert bring_in(settings, database, home, file) == imports.Imported(0, 0)
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(LINE).encode())  # as Windows begins files
    assert bring_in(settings, database, home, file).added == 1


def test_lines_appended_meanwhile_wait_for_the_next_import(
    on_sqlite: tuple[Settings, Database, Home], file: Path
) -> None:
    settings, database, home = on_sqlite
    write(file, [LINE] * 4)

    def append(done: int) -> None:
        if done == 0:  # all is checked, none of it was known, nothing is written yet
            with file.open("ab") as other:
                other.write(b'{"half a li')

    import_clicks(settings, database, home.actor, file, NOW, append)
    Ingester(settings, database).run_once()
    assert total(database) == 4


def test_a_file_cut_short_meanwhile_is_refused(
    on_sqlite: tuple[Settings, Database, Home], file: Path
) -> None:
    settings, database, home = on_sqlite
    write(file, [LINE] * 4000)
    size = file.stat().st_size

    def cut(done: int) -> None:
        if file.stat().st_size == size:
            os.truncate(file, 0)

    with pytest.raises((Failed, Invalid)):
        import_clicks(settings, database, home.actor, file, NOW, cut)


def test_an_editor_cannot_import(settings: Settings, database: Database, file: Path) -> None:
    with pytest.raises(Forbidden):
        import_clicks(
            settings,
            database,
            Actor(1, "ben", frozenset({"links:write"})),
            file,
            NOW,
            lambda done: None,
        )


def test_a_stranger_s_links_cannot_be_clicked(
    settings: Settings, database: Database, home: Home, file: Path
) -> None:
    with database.transaction() as session:
        cleo = make_home(session, settings, host="cleo.example")
    write(file, [{**LINE, "domain": home.host}])
    with pytest.raises(Invalid, match=r"no domain|no link"):
        bring_in(settings, database, cleo, file)


# the command


def test_the_command_waits_until_all_is_ingested(
    settings: Settings, database: Database, home: Home, file: Path
) -> None:
    write(file, [LINE] * 25)
    said = done(settings, "clicks", "import", str(file))
    assert "25 clicks imported in" in said
    assert total(database) == 25
    assert "0 clicks imported (25 were there before)" in done(
        settings, "clicks", "import", str(file)
    )


def test_beside_a_running_service_the_command_waits_for_it(
    settings: Settings, database: Database, home: Home, file: Path
) -> None:
    write(file, [LINE] * 25)
    ingester = Ingester(settings, database)
    stop = threading.Event()
    with ingester.alone():
        service = threading.Thread(target=ingester.run, args=(stop,))
        service.start()
        said = done(settings, "clicks", "import", str(file))
        assert total(database) == 25
        stop.set()
        service.join()
    assert "25 clicks imported" in said
    assert waiting(settings, database) == 0


def test_waiting_counts_what_is_not_ingested(
    settings: Settings, database: Database, home: Home, file: Path
) -> None:
    write(file, [LINE] * 25)
    import_clicks(settings, database, home.actor, file, NOW, lambda done: None)
    (segment,) = segments(settings.spool_dir)
    assert waiting(settings, database) == segment.size - imports.HEADER_BYTES
    Ingester(settings, database).run_once()
    assert waiting(settings, database) == 0


def test_ctrl_c_says_how_to_go_on(
    on_sqlite: tuple[Settings, Database, Home], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, database, _ = on_sqlite
    write(file, [LINE] * 30)

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Ingester, "run_once", interrupt)
    assert "run the import again" in refused(settings, "clicks", "import", str(file))
    monkeypatch.undo()
    done(settings, "clicks", "import", str(file))
    assert total(database) == 30
