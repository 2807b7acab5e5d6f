"""The English sentence for every problem code: what happened and what to do.

A test walks the package for `Problem(...)` codes and fails when one has no sentence.
The web door translates by the same codes.
"""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: dict[str, str] = {
    "spool_failed": "The spool cannot be used ({reason}); make room on the disk or mend it, "
    "recording then resumes by itself.",
    "database_away": "The database does not answer; try again in a few seconds.",
    "bad_node_file": "{path} does not hold a node id; delete it and a new one is made.",
    "too_many_bodies": "Too many requests are being received; try again in a few seconds.",
    "too_many_requests": "Too many requests; try again in {retry_after} seconds.",
    "bad_setting": "“{value}” does not fit; give {wanted}.",
    "unknown_setting": "There is no such setting; `linkservice settings` lists them all.",
    "bad_database_url": "Not the URL of a SQLite file or a PostgreSQL database; write "
    "sqlite:////path/file.db or postgresql://user:password@host/name.",
    "schema_missing": "The database has no tables yet; run `linkservice db upgrade`.",
    "schema_old": "The database's schema is older ({found}) than the program; "
    "run `linkservice db upgrade`.",
    "schema_newer": "The database's schema ({found}) is newer than the program; "
    "install a newer linkservice.",
    "unknown_revision": "No way leads to the revision “{revision}” ({why}); `head` is the newest "
    "and `base` the time before the first.",
    # fields
    "bad_character": "The character {character} is not allowed here; remove it.",
    "empty": "This must not be empty.",
    "too_long": "At most {longest} characters, this has {length}; shorten it.",
    "not_one_of": "This must be one of: {allowed}.",
    "out_of_range": "This must lie between {low} and {high}.",
    "bad_colour": "Not a colour; write it as #rrggbb, for example #0b5fff.",
    "bad_time_zone": "Not a time zone; use an IANA name such as Europe/Berlin.",
    "bad_email": "Not an e-mail address; write it as name@example.com.",
    "bad_notice_url": "Not the address of a page; write it as https://example.com/imprint.",
    # workspaces
    "scope_missing": "This needs the scope “{scope}”; use a key that has it.",
    "no_such_row": "There is no {what} “{id}” here; check the id.",
    "key_unknown": "The API key is missing or wrong; send “Authorization: Bearer KEY”.",
    "key_revoked": "This API key was revoked; use another one.",
    "key_expired": "This API key has expired; make a new one.",
    "no_workspace": "The installation has no workspace yet; run `linkservice key add NAME`.",
    "member_exists": "{email} is already a member of the workspace.",
    # clicks
    "ingest_running": "Another process (id {pid}) already ingests this data directory.",
    "line_too_long": "A line has at most {longest} bytes; is this a JSON-lines file?",
    "line_not_json": "Not a JSON object in UTF-8; write one object per line.",
    "unknown_field": "There is no such field; remove it or correct its name.",
    "field_missing": "This field is missing; add it.",
    "not_a_text": "This must be a text in quotes.",
    "bad_time": "Not a moment; write it as 2026-03-29T01:30:00Z.",
    "time_out_of_range": "The moment lies before {first} or in the future; correct it.",
    "file_unreadable": "{path} cannot be read: {why}; check its name and permissions.",
    "not_a_file": "{path} is no regular file, and it must be read twice; save it as one first.",
    "file_changed": "{path} was changed while it was read; run the import again.",
    "bad_address": "Not an IP address; write one such as 203.0.113.7, or leave it empty.",
    "import_stopped": "Stopped; run the import again and it goes on where it stopped.",
    # backup
    "file_exists": "{path} exists already; choose another name.",
    "backup_damaged": "{path} is damaged or no backup ({why}); nothing was changed, take another "
    "one.",
    "backup_newer": "A newer program made the backup ({found}); install a newer linkservice.",
    "database_inhabited": "The database holds a workspace already; add --replace to put the backup "
    "in its place, or name an empty one.",
    # the command line
    "database_failed": "The database refused ({why}); check LINKSERVICE_DATABASE_URL and that it "
    "runs, then try again.",
    "system_refused": "{why}; check the name and the permissions.",
    "stopped": "Stopped.",
    # journeys
    "stage_of_other_journey": "The stage belongs to another journey; choose one of the same.",
    "name_taken": "The name “{name}” is already used; choose another.",
    "bad_target_rate": "The target rate must lie between {smallest} and {largest}.",
    "day_out_of_range": "The day must lie between {first} and {last}.",
    "until_before_date": "The last day lies before the first; exchange them.",
    "other_unit": "The touchpoint's reach is already counted in “{unit}”; use the same unit, "
    "since different units cannot be added up.",
    # links
    "slug_for_many": "One slug cannot serve several links; leave it out and each gets its own.",
    "how_many_touchpoints": "Name between 1 and {most} touchpoints.",
    "no_such_slug": "There is no link “{slug}” on {host}; check the slug.",
    "no_such_domain": "The workspace has no domain “{host}”; add it first, or leave the field out.",
    "host_taken": "The host {host} is already in use; choose another.",
    "host_of_the_app": "{host} is the app's own address; give the links another host.",
    "domain_in_use": "{host} has links, and printed links must not break; it cannot be deleted.",
    "too_many_tags": "At most {most} tags fit on a link; remove some.",
    "slug_taken": "The slug “{slug}” is already used on this domain; choose another.",
    "slug_empty": "The slug is empty; leave it out to get a generated one.",
    "slug_too_long": "The slug has {length} characters; shorten it to {limit}.",
    "slug_reserved": "The slug “{slug}” is reserved for the service itself; choose another.",
    "slug_character": "A slug cannot hold {character} there; use letters, digits, “-” and “_”, "
    "and “.” inside.",
    "slug_dot": "A slug cannot begin or end with “.”; remove the dot.",
    "destination_empty": "The destination is empty; write a web address such as "
    "https://example.com/page.",
    "destination_too_long": "The destination has {length} characters; shorten it to {limit}.",
    "destination_not_text": "The destination holds {character}, which is no text; copy the "
    "address again.",
    "destination_no_scheme": "The destination has no https:// before it; write {suggestion}.",
    "destination_scheme": "A link leads to web pages, not to “{scheme}:”; write an address that "
    "begins with https:// or http://.",
    "destination_unreadable": "No browser can open this destination; write a whole web address "
    "such as https://example.com/page and check its host and port.",
    "destination_loop": "The destination leads to {host}, which serves these links itself: that "
    "would be a loop; write the address the link is for.",
    "utm_unknown": "There is no UTM field “{name}”; use {allowed}.",
    "utm_too_long": "The value has {length} characters; shorten it to {limit}.",
    "utm_not_text": "The value holds a control character; remove line breaks and the like.",
    "host_empty": "The host is empty; write a name such as go.example.com.",
    "host_too_long": "The host is too long; a name has at most {limit} characters.",
    "host_not_bare": "Write the host alone, without scheme, path or user name, such as {example}.",
    "host_unreadable": "This is no host name; write letters, digits and “-” with dots between, "
    "such as go.example.com.",
    "host_address": "A public IP address cannot be a branded host, since a printed short URL "
    "outlives it; write a name that points at it.",
    # serve
    "serve_running": "Another linkservice (process {pid}) already serves this data directory; stop "
    "it, or serve another one with --data-dir.",
    "port_taken": "Port {port} on {address} is in use by another program; stop that one, or choose "
    "another port with {option}.",
    "port_forbidden": "Port {port} is not open to this user; choose one above 1023 with {option}, "
    "or let a reverse proxy answer there.",
    "port_failed": "Port {port} on {address} cannot be used: {reason}; choose another one with "
    "{option}.",
    "same_port": "Links and the app cannot share port {port}; give them two.",
    "bad_listen_host": "“{host}” is no address of this machine; use 127.0.0.1 for this machine "
    "alone or 0.0.0.0 for its whole network.",
    "database_unreachable": "The database cannot be reached ({reason}); start it, or correct "
    "LINKSERVICE_DATABASE_URL.",
    # reports
    "period_order": "The period ends on {last}, before it begins on {first}; exchange the days.",
    "period_too_long": "The period has {days} days, and a report covers at most {most}; begin "
    "later or end earlier.",
    "slug_stays": "The slug “{slug}” is printed and cannot be changed; make another link.",
    "domain_stays": "The link was printed with {host} and stays there; make another link.",
    # the REST door
    "malformed_json": "The body is no JSON document: {why}; send UTF-8 JSON.",
    "not_json": "The body must be JSON; send it with “Content-Type: application/json”.",
    "too_large": "The request is larger than {most} bytes; send less at once.",
    "repeated_field": "This is given more than once; give it once.",
    "wrong_type": "This must be {wanted}.",
    "too_small": "This must be at least {least}.",
    "too_big": "This must be at most {most}.",
    "bad_cursor": "This is no cursor; send the `next_cursor` of the page before, or nothing.",
    "too_many": "At most {most} fit in here; remove some.",
    "too_few": "At least {least} is needed here; add it.",
    "no_such_page": "There is nothing at this address; the calls are listed at /api/v1/docs.",
    "method_not_allowed": "This address does not answer {method}; use {allowed}.",
    "bad_request": "The request cannot be understood; check how it is sent.",
    "failed": "The service failed; its log says why. Try again later.",
    "key_missing": "This needs an API key; send “Authorization: Bearer KEY”.",
    "ingest_behind": "Clicks have waited {seconds} s to be ingested; start the ingester.",
    # qr
    "qr_text_empty": "There is no scan URL to encode; give the link a slug and a domain.",
    "qr_text_long": "The scan URL is too long for a QR code, which holds {most} characters; "
    "choose a shorter slug or host.",
    "qr_text_characters": "The scan URL holds characters no URL may; percent-encode blanks, "
    "control characters and everything beyond ASCII.",
    "qr_colour": "This is no colour; write six hexadecimal digits such as #1a2b3c.",
    "qr_light_on_dark": "Many scanners read only dark modules on a light ground; exchange the "
    "two colours.",
    "qr_contrast": "The contrast of the two colours is {contrast}:1, too little to scan; choose "
    "a darker foreground or a lighter background, at least {least}:1.",
    "qr_size": "The size must be a number of millimetres from {least} to {most}.",
    "qr_whole_number": "The value must be a whole number from {least} to {most}.",
    "qr_two_sizes": "The size is given in pixels and in millimetres; leave one of them out.",
    "qr_fine_print": "Modules finer than {module_mm} mm do not scan reliably in print; this code "
    "must be at least {least} mm wide.",
    "qr_fine_pixels": "Modules finer than {module_mm} mm do not scan reliably in print; at this "
    "dpi use at least {least} pixels a module.",
    "qr_wide": "The picture would be wider than {most_px} pixels; use at most {most} here, or SVG.",
    "qr_unreadable": "The QR code could not be read back from a blurred and noisy picture of "
    "itself, so it was not handed out; choose colours of more contrast or a shorter URL.",
}


def sentence(code: str, params: Mapping[str, object]) -> str:
    """The sentence of a problem code, with its facts filled in."""
    return SENTENCES[code].format_map(params)
