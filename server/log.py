"""Logs: static messages, facts as fields, no words and no numbers of anybody."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["set_up"]

OF_A_CALL = ("intent", "confidence", "latency_ms")


def set_up(level: str, as_json: bool) -> None:
    """Log to standard error: for people, or one JSON object a line.

    What libraries log goes the same way, from warnings on: below that uvicorn writes requests and
    websockets whole messages.
    """
    stamp: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    ]
    render: list[Processor]
    if as_json:
        # Without local variables: they hold what people say.
        exceptions = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        render = [_record, exceptions, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        console = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        render = [console]
    structlog.configure(
        processors=[*stamp, *render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*stamp, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


def _record(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Every record of a call has the fields that reports are made from, known or not."""
    if "call_id" in event:
        for name in OF_A_CALL:
            event.setdefault(name, None)
    return event
