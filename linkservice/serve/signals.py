"""Signals as something a single thread can wait for.

Not here: what they mean for the processes (`supervisor`).
"""

from __future__ import annotations

import contextlib
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Signals:
    """What has arrived; `stop` is set once somebody asked the service to end."""

    def __init__(self, wakeup: socket.socket) -> None:
        self.stop = False
        self._wakeup = wakeup

    def wait(self, seconds: float | None) -> None:
        """Return at the next signal, at once if one came since the last call, or in time."""
        select.select([self._wakeup], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            while self._wakeup.recv(4096):
                pass

    def on_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop = True

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
        stopping = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup sets it
            stopping.append(signal.SIGHUP)
        before = {number: signal.signal(number, signals.on_stop) for number in stopping}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, signals.on_child)
        wakeup_before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        try:
            yield signals
        finally:
            signal.set_wakeup_fd(wakeup_before)
            for number, handler in before.items():
                signal.signal(number, handler)
