"""`palabre sim`: thousands of calls on a virtual clock, and what must hold of each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["sim"]


def sim(
    calls: Annotated[int, typer.Option(help="How many.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Of the first call; the next has the next.")] = 1,
    minutes: Annotated[float, typer.Option(help="Length of a call.", min=0.1)] = 2.0,
    faults: Annotated[
        bool, typer.Option("--faults", help="Services, loop and links fail.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 2,
    replay: Annotated[int | None, typer.Option(help="Play this one call again.")] = None,
    verbose: Annotated[bool, typer.Option("-v", help="With --replay: all that passed.")] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Record the recogniser anew, and leave.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="With --record: this recogniser.")] = None,
) -> None:
    """Simulated callers talk to the engine, far faster than realtime, and invariants watch.

    Ctrl-C ends it early, with what was seen so far. Exit codes: 0 all held, 1 one was violated (the
    command that replays it is printed), 2 wrong usage.
    """
    from contextlib import suppress
    from time import monotonic

    from rich.console import Console

    from engine.errors import PalabreError
    from server.settings import Settings

    console = Console(highlight=False)
    console.width = max(console.width, 152)  # the widest table
    settings = Settings()
    try:
        if record:
            _record(settings.models_dir, settings.cache_dir, model)
            return
        from server.sim.call import prepare
        from server.sim.report import tell_batch, tell_call, tell_run
        from server.sim.run import Batch, Plan, play, run

        plan = Plan(calls, seed, minutes, faults, settings.cache_dir)
        if replay is not None:
            outcome, result = play(plan.draw(replay), prepare(settings.cache_dir))
            if verbose:
                tell_call(console, outcome, result)
            for _, what in () if verbose else result.violations:
                console.print(f"[red]{what}[/]")
            console.print(f"call {replay}: {len(result.violations)} violations")
            raise typer.Exit(bool(result.violations))
        began = monotonic()
        batches: list[Batch] = []
        with suppress(KeyboardInterrupt), console.status(f"{calls} calls") as status:

            def told(batch: Batch) -> None:
                batches.append(batch)
                tell_batch(console, plan, batch)
                status.update(f"{sum(len(one.results) for one in batches)} of {calls} calls")

            run(plan, workers, told)
        held = bool(batches) and tell_run(console, plan, batches, monotonic() - began)
    except PalabreError as error:
        typer.echo(f"palabre sim: {error}", err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(0 if held else 1)


def _record(models_dir: Path, cache_dir: Path, model: str | None) -> None:
    from pipelines.speech.models import find_model
    from server.sim.heard import FILE
    from server.sim.record import record
    from server.sim.voices import prepare

    found = find_model("fr", models_dir, model)
    prepare(cache_dir)
    number = record(found.path, FILE)
    typer.echo(f"{number} sounds recorded through {found.name}: {FILE}")
