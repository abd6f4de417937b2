"""Settings: from the environment and the command line; a wrong one is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from server.settings import Settings


def test_the_environment_sets_and_the_command_line_goes_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PALABRE_CAPACITY", "7")
    monkeypatch.setenv("PALABRE_MODELS_DIR", "/models")
    monkeypatch.setenv("PALABRE_LOG_JSON", "true")
    monkeypatch.setenv("PALABRE_UNKNOWN", "is nobody's")
    settings = Settings(capacity=9)
    assert settings.capacity == 9
    assert settings.models_dir == Path("/models")
    assert settings.log_json


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("speech", "loud"),
        ("vad", "none"),
        ("mind", "oracle"),
        ("port", 65536),
        ("capacity", -1),
        ("max_lag_ms", 0),
        ("endpoint_ms", 99),
        ("silence_s", 0),
        ("drain_s", -1),
        ("log_level", "loud"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**{name: value})
    assert [error["loc"] for error in caught.value.errors()] == [(name,)]


def test_benches_run_what_repeats_itself_unless_told_otherwise() -> None:
    assert Settings().default_scenario == "leads"
    assert Settings(speech="null").default_scenario == "bench"
    assert Settings(speech="null", scenario="leads").default_scenario == "leads"
