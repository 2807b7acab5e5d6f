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
    "too_many_requests": "Too many attempts; try again in {minutes} minutes, or choose a new "
    "password.",
    "too_many_letters": "Too many letters were asked for; try again in {minutes} minutes.",
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
    "no_such_country": "“{text}” is no country; choose one of the list.",
    "no_such_choice": "“{text}” cannot be chosen here; take one of the list.",
    "out_of_range": "This must lie between {low} and {high}.",
    "bad_colour": "Not a colour; write it as #rrggbb, for example #0b5fff.",
    "bad_time_zone": "Not a time zone; use an IANA name such as Europe/Berlin.",
    "bad_region": "No public holidays are known of “{text}”; write a country such as DE, or one of "
    "its states such as DE-BY.",
    "bad_country": "“{text}” is no country; write its code of two letters such as DE, or unknown.",
    "day_not_over": "{day} is not over yet; choose a day up to yesterday.",
    "day_too_early": "There is nothing before {day} to compare it with; choose a later day.",
    "bad_email": "Not an e-mail address; write it as name@example.com.",
    "bad_notice_url": "Not the address of a page; write it as https://example.com/imprint.",
    # workspaces
    "bad_network": "Line {line}: “{text}” is no network; write an address such as 203.0.113.7, or "
    "a network such as 203.0.113.0/24 or 2001:db8:7::/48.",
    "network_too_wide": "Line {line}: {text} holds a large part of the Internet, and customers "
    "with it; write the network of your own connection.",
    "scope_missing": "This needs the scope “{scope}”; ask an owner for a role that has it, or use "
    "a key that does.",
    "role_too_small": "Your role does not allow this; ask an owner of the workspace.",
    "no_such_row": "There is no {what} “{id}” in this workspace; it may have been deleted.",
    "key_unknown": "The API key is missing or wrong; send “Authorization: Bearer KEY”.",
    "key_revoked": "This API key was revoked; use another one.",
    "key_expired": "This API key has expired; make a new one.",
    "no_workspace": "The installation has no workspace yet; run `linkservice key add NAME`.",
    "logo_missing": "No picture was sent; choose a PNG, JPEG or WebP file.",
    "logo_too_large": "The picture is larger than {most} MB; send a smaller file.",
    "logo_svg": "An SVG can hold scripts and is not taken; save the logo as PNG and send that.",
    "logo_too_many_pixels": "The picture is wider or higher than {most} pixels; scale it down.",
    "logo_unreadable": "This cannot be read as a picture; send a PNG, JPEG or WebP file.",
    "member_exists": "{email} is already a member of the workspace.",
    "no_such_user": "Nobody has the address “{email}”; `linkservice user list` shows who there is.",
    "last_owner": "A workspace needs an owner; make another member owner first.",
    "member_elsewhere": "{email} is a member of another workspace too, so this one cannot give "
    "the account a new password; they can ask for one where people sign in, or whoever runs the "
    "service with `linkservice user link`.",
    "no_membership": "You are a member of no workspace; ask an owner to invite you.",
    "invitation_of_other": "The invitation is for {email}; sign out, then open its link again.",
    "account_exists": "{email} has an account by now; open the link of the invitation again.",
    "password_link_first": "{email} has an account whose password is yet to be chosen; open the "
    "link you were given for that first, then this one again.",
    "link_spent": "The link was used, has expired or was replaced by a newer one; ask for a new "
    "one.",
    "demonstration_link_spent": "The link was used or has expired; start the demonstration again "
    "and open the link it prints.",
    "sign_in_failed": "The e-mail address or the password is wrong; check both, or choose a new "
    "password.",
    "signed_out": "You were signed out meanwhile; sign in and try again.",
    "password_wrong": "This is not your password; type the one you sign in with.",
    "password_short": "A password has at least {least} characters; a few words will do.",
    "password_common": "Too many people have this password, or it is too simple; choose another, "
    "a few words will do.",
    "password_is_email": "This is your e-mail address; choose something nobody can guess.",
    "expiry_past": "This lies in the past; choose a later day.",
    "letters_unknown": "The address is not complete; open the link in the letter once more, or "
    "change your letters under Settings.",
    "share_gone": "The link does not lead to a report, or not any more; ask whoever gave it to you "
    "for a new one.",
    "share_too_long": "A share link ends after {days} days at the latest; choose an earlier day.",
    "share_password_wrong": "This is not the password of the report; ask whoever gave you "
    "the link.",
    "key_ambiguous": "Several keys are called “{name}”; name one by its id: {ids}.",
    # mail
    "bad_mail_from": "An SMTP server is named, but nobody the letters come from; set it as "
    "linkservice@example.com.",
    "no_mail_server": "No mail server is set; name one in LINKSERVICE_SMTP_URL.",
    "mail_failed": "The letter could not be handed to the mail server ({why}); check "
    "LINKSERVICE_SMTP_URL.",
    # clicks
    "ingest_running": "Another process (id {pid}) already ingests this data directory.",
    "reclassify_running": "Another process (id {pid}) already reclassifies this data directory.",
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
    "not_a_story": "{path} is not the demonstration's file; delete the folder it is in to begin "
    "anew.",
    "not_a_demonstration": "{folder} holds a workspace of somebody's own; choose another "
    "--data-dir for the demonstration.",
    "import_stopped": "Stopped; run the import again and it goes on where it stopped.",
    # countries
    "maxmind_key_missing": "MaxMind gives its files to accounts only; set "
    "LINKSERVICE_MAXMIND_ACCOUNT_ID and LINKSERVICE_MAXMIND_LICENSE_KEY.",
    "maxmind_key_refused": "MaxMind refuses the account number or the licence key; check both.",
    "maxmind_no_edition": "MaxMind does not give {edition} to this account; check "
    "LINKSERVICE_MAXMIND_EDITION.",
    "maxmind_too_often": "MaxMind was asked too often today; try again tomorrow.",
    "maxmind_unreachable": "MaxMind cannot be reached ({why}); the old file stays, try again "
    "later.",
    "geo_damaged": "What MaxMind sent is damaged ({why}); the old file stays, try again later.",
    "geo_file_of_other": "{path} holds {kind}, not {edition}; empty LINKSERVICE_GEOIP_DB, or set "
    "LINKSERVICE_MAXMIND_EDITION to what it should hold.",
    "geo_unreadable": "{path} cannot be read ({why}); correct LINKSERVICE_GEOIP_DB or run "
    "`linkservice geo update`.",
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
    # pages for people
    "not_signed_in": "You are not signed in; sign in and try again.",
    "foreign_form": "The form was sent by a page of another site; open it here and send it again.",
    "button_expired": "The page was open for too long; open it again and press the button once "
    "more.",
    "form_expired": "The form was open for too long; everything you typed is still here, send it "
    "again.",
    "no_logo": "The workspace has no logo yet; an owner adds one in the settings.",
    "not_a_day": "Not a day; write it as 2026-03-29.",
    "not_a_size": "Not a number; write it as 30 or 30.5.",
    "not_a_number": "Not a whole number; write digits only, such as 1200.",
    # journeys
    "stage_of_other_journey": "The stage belongs to another journey; choose one of the same.",
    "journey_gone": "The journey of the stage “{name}” is deleted; bring that back first.",
    "stage_gone": "The stage of the touchpoint “{name}” is deleted; bring that back first.",
    "name_taken": "The name “{name}” is already used; choose another.",
    "bad_target_rate": "The target rate must lie between {smallest} and {largest}.",
    "not_a_rate": "This is no rate; write how many of 1,000 people reached should come, more than "
    "0, such as 40 or 12.5.",
    "day_out_of_range": "The day must lie between {first} and {last}.",
    "day_to_come": "{day} is still to come, so nothing can have happened on it; correct the date "
    "(look at the year), or send it when the day has come.",
    "until_before_date": "The last day lies before the first; exchange them.",
    "other_unit": "The touchpoint's reach is already counted in “{unit}”; use the same unit, "
    "since different units cannot be added up.",
    "not_an_amount": "This is no amount; write it as {example}.",
    "other_currency": "Costs are entered in {currency}, and this is {other}; convert the amount, "
    "or choose another currency in the settings before the first cost is entered.",
    "currency_in_use": "Costs are entered in {currency} already ({entries}); delete them first, "
    "since amounts of two currencies cannot be added up.",
    "table_not_text": "This is no text; save the table as CSV, or copy its cells and paste them.",
    "table_too_large": "The table is larger than {most} MB; split it.",
    "table_too_long": "The table has {rows} rows, at most {most} fit; split it.",
    "too_many_for_workbook": "More than {most} clicks do not fit on a sheet of Excel; choose fewer "
    "days, or save them in another format.",
    "table_empty": "There are no rows; paste or choose a table with date, amount and unit.",
    "table_of_journey": "This table names touchpoints; enter it on the page of its journey, or "
    "remove the column.",
    "bad_quotes": 'A quotation mark is opened here and not closed rightly; write "text", and a '
    "mark inside it twice.",
    "unknown_column": "There is no column “{name}”; remove it, or name it one of: {allowed}.",
    "repeated_column": "The column is there twice; remove one of them.",
    "missing_column": "The column is missing; the table needs: {allowed} (until may be left out).",
    "how_many_columns": "There are {columns} columns; separate by tabs, “;” or “,” these: "
    "{allowed} (until may be left out).",
    "too_many_cells": "The row has {cells} cells for {columns} columns; check its separators, and "
    "put a cell that holds one into quotation marks.",
    "bad_day": "“{value}” is no day; write it as 2026-03-01 or 01.03.2026.",
    "bad_amount": "“{value}” is no whole number of people; write it as 1200, 1.200 or 1,200.",
    "mixed_numbers": "“{value}” and “{other}” (row {other_row}) are written in two styles, so it "
    "is not clear what they mean; write all numbers in one style.",
    "bad_unit": "“{value}” is no unit; use sent, printed, passers-by, contacts or views.",
    "unknown_touchpoint": "The journey has no touchpoint “{name}”; correct the name, or add the "
    "touchpoint first.",
    "ambiguous_touchpoint": "Several touchpoints are called “{name}”; write the stage before it, "
    "as in Purchase / Checkout.",
    "more_problems": "There are {more} more problems; mend these first.",
    # links
    "slug_for_many": "One slug cannot serve several links; leave it out and each gets its own.",
    "how_many_touchpoints": "Name between 1 and {most} touchpoints.",
    "no_such_slug": "There is no link “{slug}” on {host}; check the slug.",
    "no_such_domain": "The workspace has no domain “{host}”; add it first, or leave the field out.",
    "host_taken": "The host {host} is already in use; choose another.",
    "host_of_the_app": "{host} is the app's own address; give the links another host.",
    "domain_in_use": "{host} has links, and printed links must not break; it cannot be deleted.",
    "how_many_links": "Choose between 1 and {most} links.",
    "undo_first": "This is how the link began; there is nothing before it to go back to.",
    "nothing_to_undo": "All that was changed then is already as it was before; there is nothing "
    "to undo.",
    "no_such_version": "The link has no version {version}; look at its history again.",
    "link_deleted": "The link is deleted; restore it first.",
    "touchpoint_gone": "The touchpoint “{name}” was deleted since; bring it back first, or choose "
    "another one.",
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
    # conversions
    "click_id_or_ids": "Send either `click_id` or `click_ids`: what the destination received as "
    "`lsid`.",
    "how_many_click_ids": "Send at least one click id and at most {most}.",
    "unknown_click_id": "This is no click id of a link of this workspace; send what the "
    "destination received as `lsid`, unchanged.",
    "other_value_currency": "The workspace counts in {currency}; send the value in it.",
    "how_many_rows": "Send at least one row and at most {most}.",
    "item_repeated": "This day and touchpoint stand here twice; add the two up.",
    "row_repeated": "This day and touchpoint stand in row {before} already; add the two up.",
    "count_columns": "The first line must name the columns: {allowed}; value may be left out.",
    "currency_of_values": "Conversions count in {currency} already; amounts of two currencies "
    "cannot be added up.",
    "in_the_future": "This is still to come; send the moment it happened, in UTC or with its "
    "offset.",
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
    "key_may_nothing": "Nothing is chosen; tick at least one thing the key may do.",
    "too_few": "At least {least} is needed here; add it.",
    "no_such_page": "There is nothing at this address; the calls are listed at /api/v1/docs.",
    "method_not_allowed": "This address does not answer {method}; use {allowed}.",
    "bad_request": "The request cannot be understood; check how it is sent.",
    "failed": "The service failed; try again later. Whoever runs it finds the reason in its log.",
    "key_missing": "This needs an API key; send “Authorization: Bearer KEY”.",
    "node_elsewhere": "This data directory is a copy: its node {node} is at work in {place}. If it "
    "has moved here, stop that one, or type `linkservice node adopt` where it is gone for good; "
    "its claim lapses in {seconds} s. For a second node type `linkservice node renew` here.",
    "node_taken": "Node {node} has been taken over by {place}, while nothing was heard from here. "
    "Stop one of the two; `linkservice node adopt` takes it back.",
    "clicks_unrecorded": "Clicks are redirected and not recorded, {clicks} so far, the last one "
    "{seconds} s ago; make room on the disk of the data directory or mend it.",
    "ingest_behind": "Clicks have waited {seconds} s to be ingested; start the ingester.",
    # qr
    "qr_text_empty": "There is no scan URL to encode; give the link a slug and a domain.",
    "qr_text_long": "The scan URL is too long for a QR code, which holds {most} characters; "
    "choose a shorter slug or host.",
    "qr_text_characters": "The scan URL holds characters no URL may; percent-encode blanks, "
    "control characters and everything beyond ASCII.",
    "qr_colour": "This is no colour; write six hexadecimal digits such as #1a2b3c.",
    "qr_light_on_dark": "Many scanners read only dark modules on a light ground; {nearest} is the "
    "nearest foreground that scans.",
    "qr_dark_ground": "The background is too dark for any dark module; exchange the two colours, "
    "or choose a lighter background.",
    "qr_contrast": "The contrast of the two colours is {contrast}:1, too little to scan, which "
    "takes {least}:1; {nearest} is the nearest foreground that scans.",
    "qr_same_grey": "Scanners see greys, and there the two colours are too alike; {nearest} is "
    "the nearest foreground that scans.",
    "qr_size": "The size must be a number of millimetres from {least} to {most}.",
    "qr_whole_number": "The value must be a whole number from {least} to {most}.",
    "qr_two_sizes": "The size is given in pixels and in millimetres; leave one of them out.",
    "qr_fine_print": "Modules finer than {module_mm} mm do not scan reliably in print; this code "
    "must be at least {least} mm wide.",
    "qr_fine_pixels": "Modules finer than {module_mm} mm do not scan reliably in print; at this "
    "dpi use at least {least} pixels a module.",
    "qr_wide": "The picture would be wider than {most_px} pixels; use at most {most} here, or SVG.",
    "sheet_one_choice": "Choose one of journey, campaign, tag and links.",
    "sheet_empty": "No link matches, so there is no code to print; make a link first, or choose "
    "others.",
    "sheet_too_many": "These are {found} codes, and a sheet holds at most {most}; choose fewer.",
    "sheet_crowd": "{most} sheets are waiting or being made; let one finish, or stop it.",
    "sheet_unfinished": "The sheet is not finished, so there is no file yet; wait for it.",
    "sheet_broken": "The sheet could not be made; ask for it again. Whoever runs the service finds "
    "the reason in its log.",
    "qr_unreadable": "The QR code could not be read back from a blurred and noisy picture of "
    "itself, so it was not handed out; choose colours of more contrast or a shorter URL.",
}


def sentence(code: str, params: Mapping[str, object]) -> str:
    """The sentence of a problem code, with its facts filled in: counts as 46,347."""
    return SENTENCES[code].format_map({name: _written(name, params[name]) for name in params})


def _written(name: str, fact: object) -> object:
    counted = isinstance(fact, int) and not isinstance(fact, bool) and name not in _NUMBERS
    return f"{fact:,}" if counted else fact


_NUMBERS = ("pid", "port", "version")
"""Facts that are numbers and count nothing."""
