from bench.response.turns import Turn, beyond_summaries, stage_summaries, turn_at


def turn(heard_ms: float, **spans_ms: float) -> Turn:
    return Turn(
        condition="clean",
        voice="fr",
        said="oui",
        meant="accept",
        understood="accept",
        heard_ms=heard_ms,
        gap_ms=sum(spans_ms.values()),
        spans_ms=spans_ms,
        far_frame_ms=12.0,
        lead_in_ms=3.0,
        steps_down=0,
    )


def test_what_the_ledger_does_not_have_is_in_parts_that_add_up() -> None:
    one = turn(280.0, endpointing=240.0, transcription=5.0)
    assert one.beyond_ms == 35.0
    assert one.ears_ms + one.far_frame_ms + one.lead_in_ms == one.beyond_ms
    assert beyond_summaries([one])["end of speech, network"].p50 == 20.0
    assert one.as_json()["ears_ms"] == 20.0


def test_a_stage_that_a_turn_did_without_took_no_time() -> None:
    stages = stage_summaries([turn(1.0, endpointing=240.0), turn(2.0, speech=7.0)])
    assert stages["endpointing"].max == 240.0
    assert stages["endpointing"].p50 == 0.0
    assert stages["speech"].max == 7.0


def test_the_turn_at_a_percentile_is_one_that_happened() -> None:
    turns = [turn(float(ms)) for ms in (300, 250, 280, 260)]
    assert turn_at(turns, 50).heard_ms == 260.0
    assert turn_at(turns, 99).heard_ms == 300.0
