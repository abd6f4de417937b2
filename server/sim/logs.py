"""The engine's log during a simulated call: nothing is printed, and faults of ours are caught."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from engine.errors import PalabreError

__all__ = ["faults_of_ours"]


@contextmanager
def faults_of_ours(tell: Callable[[str], None]) -> Iterator[None]:
    """Tell each error that is logged with an exception which is not one of the engine's own."""

    def catch(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        error = event.get("exc_info")
        if isinstance(error, Exception) and not isinstance(error, PalabreError):
            tell(f"{event.get('event')}: {error!r}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[catch],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
