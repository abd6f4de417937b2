"""Decoding for all calls of a process: a few threads, the most urgent sound first, in slices.

A stream (a call's recogniser) that has something to decode is ready. A thread takes the ready
stream whose work is due first, has it decode one slice, and puts it back: no stream holds a thread
for longer than a slice, however much of its sound waits. Earliest deadline first, where sound is
due `SOUND_DUE_S` after it came and a transcript `FINAL_DUE_S` after the end of speech, so that
finals go before sound that nobody waits for yet, and no sound is put off for ever. If the threads
cannot keep up, interims are given up first (see `pipelines.speech.recogniser`), a final never.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

__all__ = ["FINAL_DUE_S", "SOUND_DUE_S", "Decoder", "Stream"]

FINAL_DUE_S = 0.1
"""The transcript's share of the latency budget (`engine.budget`)."""

SOUND_DUE_S = 0.34
"""Sound whose transcript nobody asks for yet: speech is known to have ended 240 ms after it at the
earliest (the gate's endpoint), and its final is due 100 ms later. Measured on one core with 36
streams, which is just too many (`docs/decisions.md`): finals come after 12 ms (median), first come
first served after 96, and with 1 s here after 197, because all sound then waits for its final."""

LAG_WINDOW_S = 5.0
"""What the lag is taken over: long enough for a percentile, short enough to forget a burst."""
LAG_SLICES = 2000
"""At most; many cores decode as many in less time."""


class Stream(Protocol):
    """What is decoded; hashed by identity. The decoder calls `step` from one thread at a time."""

    @property
    def due(self) -> float | None:
        """When the work at hand should be done, in seconds on the clock; None without any."""
        ...

    @property
    def came(self) -> float | None:
        """When the oldest sound came that is not decoded, if there is any."""
        ...

    @property
    def waiting_s(self) -> float:
        """Sound that came and is not decoded."""
        ...

    def step(self) -> float | None:
        """Decode one slice, in a thread. When its oldest sound came, if there was any."""
        ...


class Decoder:
    """The threads, `workers` of them (one per core this process may use), and what waits.

    `now` is the clock that stamps sound. Threads are started with the first work, `close` ends
    them.
    """

    def __init__(self, now: Callable[[], float], workers: int | None = None) -> None:
        self.workers = workers or cores()
        self._now = now
        self._streams: set[Stream] = set()
        self._ready: dict[Stream, None] = {}  # in the order of coming, for equal deadlines
        self._running: set[Stream] = set()
        self._lags: deque[tuple[float, float]] = deque(maxlen=LAG_SLICES)
        self.interims_skipped = 0
        self.sound_dropped_s = 0.0
        self._threads: list[threading.Thread] = []
        self._change = threading.Condition()
        self._closed = False

    # What waits

    @property
    def backlog_s(self) -> float:
        """Sound of all streams that came and is not decoded."""
        return sum(stream.waiting_s for stream in tuple(self._streams))

    @property
    def longest_s(self) -> float:
        """The same of the stream that has most of it."""
        return max((stream.waiting_s for stream in tuple(self._streams)), default=0.0)

    @property
    def lag_s(self) -> float:
        """How long after it came sound is decoded: the 95th percentile of the last 5 s, or more
        if some is overdue now.
        """
        now = self._now()
        with self._change:
            lags = sorted(lag for at, lag in self._lags if at >= now - LAG_WINDOW_S)
        usual = lags[int(0.95 * (len(lags) - 1))] if lags else 0.0
        waiting = (stream.came for stream in tuple(self._streams))
        oldest = max((now - came for came in waiting if came is not None), default=0.0)
        return max(usual, oldest) if oldest > SOUND_DUE_S else usual

    def give_way(self, *, interims: int = 0, sound_s: float = 0.0) -> None:
        """Count what a stream gave up because it was late."""
        with self._change:
            self.interims_skipped += interims
            self.sound_dropped_s += sound_s

    # Streams

    def add(self, stream: Stream) -> None:
        self._streams.add(stream)

    def remove(self, stream: Stream) -> None:
        """What waits of it is not decoded; a slice that runs ends by itself."""
        self._streams.discard(stream)
        with self._change:
            self._ready.pop(stream, None)

    def wake(self, stream: Stream) -> None:
        """`stream` has work, or work that is more urgent than before."""
        with self._change:
            if self._closed or stream in self._running:
                return  # whoever runs it looks again
            self._ready[stream] = None
            if len(self._threads) < self.workers and len(self._ready) > self._idle():
                self._start()
            self._change.notify()

    def close(self) -> None:
        """End the threads; slices that run are waited for, all else is dropped."""
        with self._change:
            self._closed = True
            self._ready.clear()
            self._change.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    # In the threads

    def _idle(self) -> int:
        return len(self._threads) - len(self._running)

    def _start(self) -> None:
        name = f"decoder-{len(self._threads)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while True:
            with self._change:
                stream = self._take()
                while stream is None:
                    if self._closed:
                        return
                    self._change.wait()
                    stream = self._take()
            try:
                came = stream.step()
            finally:
                with self._change:
                    self._running.discard(stream)
                    if stream in self._streams and stream.due is not None and not self._closed:
                        self._ready[stream] = None
            if came is not None:
                now = self._now()
                with self._change:
                    self._lags.append((now, max(0.0, now - came)))

    def _take(self) -> Stream | None:
        """The ready stream whose work is due first. Calls are hundreds at most, and few of them
        ready, so the deadlines are looked at anew each time: they change as finals are asked for.
        """
        first, first_due = None, 0.0
        for stream in tuple(self._ready):
            due = stream.due
            if due is None:
                del self._ready[stream]
            elif first is None or due < first_due:
                first, first_due = stream, due
        if first is not None:
            del self._ready[first]
            self._running.add(first)
        return first


def cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
