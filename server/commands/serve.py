"""`palabre serve`: the engine as a server."""

from __future__ import annotations

from typing import Annotated, Any

import typer

__all__ = ["serve"]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    scenario: Annotated[str | None, typer.Option(help="What a call runs by default.")] = None,
    speech: Annotated[str | None, typer.Option(help="local, or null for benches.")] = None,
    vad: Annotated[str | None, typer.Option(help="auto, webrtc or silero.")] = None,
    model: Annotated[str | None, typer.Option(help="A recogniser, by name or path.")] = None,
    voice: Annotated[str | None, typer.Option(help="An espeak-ng voice, such as fr+f2.")] = None,
    capacity: Annotated[int | None, typer.Option(help="Calls at once; 0: as lag allows.")] = None,
    endpoint_ms: Annotated[int | None, typer.Option(help="Silence that ends a turn.")] = None,
    journal: Annotated[str | None, typer.Option(help="A folder to keep sessions in.")] = None,
    log_json: Annotated[bool | None, typer.Option(help="One JSON object a line.")] = None,
) -> None:
    """Answer calls over WebSocket, with health, metrics and a page to talk to.

    Every option can also be given as PALABRE_NAME in the environment.
    """
    from pydantic import ValidationError

    from engine.errors import PalabreError
    from server.log import set_up
    from server.settings import Settings

    given: dict[str, Any] = {
        name: value
        for name, value in {
            "host": host,
            "port": port,
            "scenario": scenario,
            "speech": speech,
            "vad": vad,
            "model": model,
            "voice": voice,
            "capacity": capacity,
            "endpoint_ms": endpoint_ms,
            "journal": journal,
            "log_json": log_json,
        }.items()
        if value is not None
    }
    try:
        settings = Settings(**given)
    except ValidationError as error:
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"])
            typer.echo(f"palabre: setting {name}: {problem['msg']}", err=True)
        raise typer.Exit(2) from None
    set_up(settings.log_level, settings.log_json)
    from server.app import serve as run

    try:
        run(settings)
    except PalabreError as error:
        typer.echo(f"palabre: {error}", err=True)
        raise typer.Exit(1) from None
