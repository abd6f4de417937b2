"""`palabre talk`: a caller talks to the engine, live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["talk"]


def talk(
    scenario: Annotated[str, typer.Option(help="What the engine plays.")] = "leads",
    seed: Annotated[int, typer.Option(help="Another seed is another caller.")] = 1,
    wav: Annotated[Path | None, typer.Option(help="Play this recording as the caller.")] = None,
    mic: Annotated[bool, typer.Option("--mic", help="Speak yourself (extra: mic).")] = False,
    url: Annotated[
        str | None, typer.Option(help="A running server's ws://…/media; else one is started.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where sound, ledger and picture go.")] = Path(
        "out/talk"
    ),
    lang: Annotated[str | None, typer.Option(help="One of the scenario's languages.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Hang up after two answers.")] = False,
) -> None:
    """A simulated caller talks to the engine: transcript, latency waterfalls, verdict.

    Leaves call.wav (caller left, engine right), ledger.json and waterfall.svg. Exit codes: 0 the
    engine answered, 1 it did not, 2 wrong usage.
    """
    from rich.console import Console

    from engine.errors import ConfigurationError
    from server.talk.microphone import MicrophoneError
    from server.talk.recording import RecordingError, read_wav
    from server.talk.run import Options, run

    if wav is not None and mic:
        raise typer.BadParameter("a caller is either --wav or --mic")
    if url is not None and not url.startswith(("ws://", "wss://")):
        raise typer.BadParameter(f"{url} is no ws:// or wss:// address", param_hint="--url")
    console = Console(highlight=False, soft_wrap=True)
    try:
        sound = None if wav is None else read_wav(wav)
        out.mkdir(parents=True, exist_ok=True)
        code = run(Options(scenario, lang, seed, out, url, sound, mic, quick), console)
    except (ConfigurationError, MicrophoneError, RecordingError) as error:
        typer.echo(f"palabre talk: {error}", err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        typer.echo(f"palabre talk: {error}; choose another folder with --out", err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(code)
