"""Signals as something a single thread can wait for.

Not here: what they mean for the processes (`supervisor`).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Signals:
    """What has arrived; `stop` is set once somebody asked the service to end, `renew` when
    somebody asked it to restart its processes.
    """

    def __init__(self, wakeup: socket.socket) -> None:
        self.stop = False
        self.renew = False
        self._had_terminal = _has_terminal()
        self._wakeup = wakeup

    def wait(self, seconds: float | None) -> None:
        """Return at the next signal, at once if one came since the last call, or in time."""
        select.select([self._wakeup], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            while self._wakeup.recv(4096):
                pass

    def on_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop = True

    def on_hangup(self, number: int, frame: FrameType | None) -> None:
        """Somebody asks for a rolling restart, or the terminal of the service was closed."""
        if self._had_terminal and not _has_terminal():
            self.stop = True
        else:
            self.renew = True

    def on_child(self, number: int, frame: FrameType | None) -> None:
        """Nothing: a signal with a handler ends the wait, one without does not."""


@contextmanager
def caught() -> Iterator[Signals]:
    """Take over the signals that end the service or tell of a child; give them back after."""
    receiver, sender = socket.socketpair()
    with receiver, sender:
        receiver.setblocking(False)
        sender.setblocking(False)
        signals = Signals(receiver)
        handlers = {
            signal.SIGTERM: signals.on_stop,
            signal.SIGINT: signals.on_stop,
            signal.SIGCHLD: signals.on_child,
        }
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup sets it
            handlers[signal.SIGHUP] = signals.on_hangup
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        wakeup_before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        try:
            yield signals
        finally:
            signal.set_wakeup_fd(wakeup_before)
            for number, handler in before.items():
                signal.signal(number, handler)


def _has_terminal() -> bool:
    """Whether there is one to type at; a closed one is none."""
    return os.isatty(0)
