"""What is reached from outside: do our own names lead to us, does the mail server answer?

Decided here: which hosts are asked (our own domains, the app's own address, the mail server, and
no other), for how long, and what their answer means. Local hosts are not asked: whoever tries
the service out knows whether it runs.
"""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

from linkservice import mail
from linkservice.config import PREFIX, Settings
from linkservice.errors import Failed
from linkservice.links.addresses import origin
from linkservice.links.host import is_local
from linkservice.readiness import Check

WAIT_SECONDS = 2.0
"""For each answer; a customer would not wait as long."""

PATIENCE_SECONDS = 4.0
"""For all of them together: names that cannot be looked up take longer than they should."""

MOST_HOSTS = 100
"""Asked at once; more are more than one wants to read."""

_LARGEST_ANSWER = 1000


def checks(settings: Settings, hosts: Sequence[str]) -> Iterator[Check]:
    """Each domain, the app's address and the mail server, asked at the same time."""
    questions: dict[str, Callable[[], Check]] = {}
    if not is_local(urlsplit(settings.base_url).netloc):
        questions["app"] = partial(reached, "app", settings.base_url, '"status":"ok"', "app port")
    for host in [each for each in hosts if not is_local(each)][:MOST_HOSTS]:
        questions[host] = partial(reached, host, origin(settings, host), "ok", "link port")
    if settings.smtp_url:
        questions["mail"] = partial(_mail, settings)
    yield from together(questions, PATIENCE_SECONDS)
    if all(is_local(host) for host in hosts):
        yield Check("domains", True, "only local ones; nothing of them is in the DNS")
    if len(hosts) > MOST_HOSTS:
        yield Check("domains", True, f"{MOST_HOSTS} of {len(hosts):,} were asked")
    if not settings.smtp_url:
        yield Check("mail", True, "no server is set; invitations are links that are handed over")


def together(questions: Mapping[str, Callable[[], Check]], seconds: float) -> Iterator[Check]:
    """The answers in the order of the questions; one that does not come in time is a problem."""
    answers: queue.Queue[tuple[str, Check]] = queue.Queue()
    for name, ask in questions.items():
        # Daemons: a name server that never answers must not keep the command from ending.
        threading.Thread(target=_put, args=(answers, name, ask), daemon=True).start()
    found: dict[str, Check] = {}
    deadline = time.monotonic() + seconds
    while len(found) < len(questions):
        try:
            name, check = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[name] = check
    for name in questions:
        late = f"no answer in {seconds:.0f} s; look at this machine's name servers."
        yield found.get(name, Check(name, False, late))


def _put(answers: queue.Queue[tuple[str, Check]], name: str, ask: Callable[[], Check]) -> None:
    answers.put((name, ask()))


def reached(name: str, url: str, wanted: str, port: str) -> Check:
    """Whether `url` leads to our `port` (its name): `/healthz` there must answer `wanted`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        socket.getaddrinfo(host, parts.port or parts.scheme)
    except (OSError, UnicodeError):
        todo = f"{host} is in no DNS; make it lead to this machine (A and AAAA, or CNAME)."
        return Check(name, False, todo)
    try:
        status, body = _answer(parts.scheme, host, parts.port)
    except ssl.SSLCertVerificationError as error:
        todo = f"{url}: its certificate is refused ({error.verify_message}); renew it."
        return Check(name, False, todo)
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        todo = f"{url} does not answer ({why}); start what stands before the {port}."
        return Check(name, False, todo)
    if status != 200 or body.strip().replace(" ", "").strip("{}") != wanted:
        todo = f"{url} answers, but not as the {port} (status {status}); lead it there."
        return Check(name, False, todo)
    return Check(name, True, f"{url} leads to the {port}")


def _answer(scheme: str, host: str, port: int | None) -> tuple[int, str]:
    """Status and body of `/healthz`, without following a redirect."""
    if scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=WAIT_SECONDS, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=WAIT_SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"User-Agent": "linkservice doctor"})
        response = connection.getresponse()
        return response.status, response.read(_LARGEST_ANSWER).decode("utf-8", "replace")
    finally:
        connection.close()


def _mail(settings: Settings) -> Check:
    host = urlsplit(settings.smtp_url).hostname
    try:
        mail.try_out(settings, WAIT_SECONDS)
    except Failed as error:
        return Check("mail", False, f"{host}: {error} ({PREFIX}SMTP_URL)")
    return Check("mail", True, f"{host} takes letters")
