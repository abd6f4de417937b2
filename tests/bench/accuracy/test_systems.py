from pathlib import Path

import pytest

from bench.accuracy.recognise import recognise
from bench.accuracy.systems import Deepgram, Unmeasured, Vosk, named
from bench.errors import BenchError
from pipelines.speech.espeak import synthesise
from pipelines.speech.models import find_model
from tests.wires import deepgram as wires

DEMO = find_model("fr", Path("nowhere")).path


def test_models_by_name_and_path(tmp_path: Path) -> None:
    assert named("vosk-fr-demo", "fr", tmp_path, "") == Vosk("vosk-fr-demo", DEMO)
    assert named(str(DEMO), "fr", tmp_path, "") == Vosk("vosk-fr-demo", DEMO)
    assert named(f"ours={DEMO}", "fr", tmp_path, "") == Vosk("ours", DEMO)
    with pytest.raises(BenchError, match="there is no recogniser"):
        named("/nowhere/at/all", "fr", tmp_path, "")


def test_what_is_not_here_says_how_it_would_be(tmp_path: Path) -> None:
    model = named("vosk-model-small-fr-0.22", "fr", tmp_path, "")
    assert isinstance(model, Unmeasured)
    assert "palabre models fetch vosk-model-small-fr-0.22" in model.command
    cloud = named("deepgram", "fr", tmp_path, "")
    assert isinstance(cloud, Unmeasured)
    assert cloud.why == "not measured: no key"
    assert named("deepgram", "fr", tmp_path, "key") == Deepgram("key", "fr")


@pytest.mark.integration
@pytest.mark.asyncio
async def test_vosk_hears_and_takes_grammars() -> None:
    sound = bytes(3200) + synthesise("oui bien sûr", "fr") + bytes(8000)
    async with Vosk("demo", DEMO).ready() as made:
        assert made.backlog_s is not None
        (heard,) = await recognise([made.make()], [sound], backlog_s=made.backlog_s)
        assert heard.text == "oui bien sûr"
        assert made.closed is not None
        assert made.closed(["oui bien sûr", "non"], [sound, sound]) == ["oui bien sûr"] * 2
        assert made.closed(["le matin", "le soir"], [sound]) == [""]
        assert made.knows("bonjour")
        assert not made.knows("xylophone")


@pytest.mark.integration
@pytest.mark.asyncio
@pytest.mark.filterwarnings("ignore:websockets.legacy is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings(r"ignore:websockets\.\S+ is deprecated:DeprecationWarning")
async def test_deepgram_hears_at_the_pace_of_speech() -> None:
    async with wires.Deepgram(["oui bien sûr"]) as server:
        async with Deepgram("key", "fr", server.url).ready() as made:
            assert (made.backlog_s, made.closed) == (None, None)
            (heard,) = await recognise([made.make()], [bytes(32000)], backlog_s=None)
        assert ("language", "fr") in server.connections[0].query
    assert heard.text == "oui bien sûr"
    assert heard.first_ms > 0
    assert heard.final_ms >= 0
