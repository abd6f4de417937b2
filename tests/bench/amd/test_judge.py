"""What is told of a scene, and how it is scored."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bench.amd.judge import Judged, judged
from bench.amd.line import Line
from bench.amd.peer import RESULT, Said
from bench.amd.report import Report
from bench.amd.scenes import Scene
from bench.amd.score import score
from bench.amd.tape import Said as Spoken
from bench.amd.tape import Tape
from bench.amd.words import AS_SAID_S, as_said
from telephony.amd import Beep, Kind, Verdict
from tests.telephony.amd.sounds import voice


def scene(kind: Kind, name: str = "one", **others: object) -> Scene:
    parts: dict[str, object] = {
        "variety": "short", "language": "fr", "speaker": "", "sound": np.zeros(16000),
        "answered_s": 0.0,
    }  # fmt: skip
    return Scene(name, kind, **(parts | others))  # type: ignore[arg-type]


def taken(kind: Kind, *verdicts: tuple[Kind, float], name: str = "one") -> Judged:
    told = tuple(Verdict(one, 0.9, at, at) for one, at in verdicts)
    return Judged(scene(kind, name), told, (), 0.01)


def pcm(tape: Tape) -> bytes:
    noise = np.random.default_rng(1).normal(0, 1e-3, tape.sound.size)
    return ((tape.sound + noise) * 32767).astype("<i2").tobytes()


def test_a_scene_is_heard_from_its_beginning_and_judged_from_its_answer() -> None:
    tape = Tape()
    tape.pulses(440, on_s=1.5, off_s=3.5, count=1)
    tape.pause(0.5)
    tape.add(voice(0.5, rate_hz=16000))
    tape.pause(3.0)
    one = judged(scene(Kind.HUMAN, sound=tape.sound, answered_s=5.0), pcm(tape), ())
    assert one.kind is Kind.HUMAN
    assert one.took_s is not None
    assert 1.0 < one.took_s < 2.0
    assert not one.hung_up
    assert one.cpu_s > 0


def test_words_come_when_they_are_known() -> None:
    tape = Tape()
    tape.pause(0.5)
    tape.add(voice(3.0, rate_hz=16000))
    tape.said.append(Spoken("vous êtes sur la messagerie de Paul", 0.5, 3.5))
    one = scene(Kind.VOICEMAIL, sound=tape.sound, said=tuple(tape.said))
    words = as_said(one)
    assert [known.transcript.text for known in words][:2] == ["vous", "vous êtes"]
    assert [known.transcript.final for known in words] == [False] * 6 + [True]
    assert words[-1].at == pytest.approx(3.5 + AS_SAID_S)
    found = judged(one, pcm(tape), words)
    assert found.kind is Kind.VOICEMAIL
    assert found.first is found.last
    assert judged(one, pcm(tape), ()).kind is Kind.UNKNOWN


def test_asterisk_is_a_witness_until_there_is_a_verdict() -> None:
    tape = Tape()
    tape.pulses(440, on_s=1.5, off_s=3.5, count=1)
    tape.pause(0.4)
    tape.add(voice(0.2, rate_hz=16000))
    tape.pause(3.0)
    one = scene(Kind.HUMAN, sound=tape.sound, answered_s=5.0)
    alone = judged(one, pcm(tape), ())
    beside = judged(one, pcm(tape), (), Said(0, "HUMAN", "HUMAN-800-800", 1.42))
    late = judged(one, pcm(tape), (), Said(0, "MACHINE", "MAXWORDS-3-2", 3.2))
    assert alone.took_s is not None
    assert alone.took_s > 1.9
    assert beside.took_s == pytest.approx(1.42, abs=0.05)
    assert beside.last is not None
    assert "asterisk" in {evidence.witness for evidence in beside.last.evidence}
    assert late.verdicts == alone.verdicts
    early = scene(Kind.NETWORK, sound=tape.sound, answered_s=None)
    assert judged(early, pcm(tape), (), Said(0, "HUMAN", "", 1.0)).last is None


def test_a_beep_is_the_scenes_where_it_ends_with_it() -> None:
    tape = Tape()
    tape.add(voice(2.0, rate_hz=16000))
    tape.pause(0.3)
    tape.beep(1000, 0.4)
    tape.pause(1.0)
    one = scene(Kind.VOICEMAIL, sound=tape.sound, beep_until=tape.beep_until)
    found = judged(one, pcm(tape), ())
    assert found.beep_late_s == pytest.approx(0.17, abs=0.05)
    assert found.false_beeps == 0
    other = judged(scene(Kind.HUMAN, sound=tape.sound), pcm(tape), ())
    assert other.beep_late_s is None
    assert other.false_beeps == 1
    assert other.hung_up


def test_precision_recall_and_what_a_person_would_suffer() -> None:
    found = [
        taken(Kind.HUMAN, (Kind.HUMAN, 1.0)),
        taken(Kind.HUMAN, (Kind.HUMAN, 1.0), (Kind.VOICEMAIL, 3.0)),
        taken(Kind.HUMAN, (Kind.UNKNOWN, 12.0)),
        taken(Kind.VOICEMAIL, (Kind.HUMAN, 1.0), (Kind.VOICEMAIL, 5.0)),
        taken(Kind.VOICEMAIL, (Kind.HUMAN, 2.0)),
        taken(Kind.SILENCE),
    ]
    one = score(found)
    rows = {row.kind: row for row in one.rows}
    assert (rows[Kind.HUMAN].recall, rows[Kind.HUMAN].precision) == (1 / 3, 1 / 2)
    assert (rows[Kind.VOICEMAIL].recall, rows[Kind.VOICEMAIL].precision) == (1 / 2, 1 / 2)
    assert rows[Kind.VOICEMAIL].took_s.p50 == 5.0
    assert rows[Kind.FAX].recall is None
    assert rows[Kind.FAX].precision is None
    assert (one.people, one.hung_up, one.revised) == (3, 1, 2)
    assert one.confusion[Kind.SILENCE, Kind.UNKNOWN] == 1
    assert one.cpu_percent == pytest.approx(1.0)


def test_the_report_has_everything_and_the_peer_beside_it(tmp_path: Path) -> None:
    people = taken(Kind.HUMAN, (Kind.HUMAN, 1.0), name="a")
    machine = Judged(
        scene(Kind.VOICEMAIL, "b", beep_until=5.0),
        (Verdict(Kind.VOICEMAIL, 0.99, 5.2, 5.2),),
        ((Beep(4.6, 0.4, 1000.0), 5.2),),
        0.01,
    )
    report = Report(tmp_path, {"cpu": "x"}, {"seed": 1})
    report.lines = {"a": Line(30.0, 0.0), "b": Line(15.0, 0.01)}
    report.found["sound alone"] = [people, machine]
    report.peer = [
        (people.scene, Said(0, "MACHINE", "LONGGREETING-1500-1500", 1.9)),
        (machine.scene, Said(1, "", "", 20.0)),
    ]
    report.missing.append("nothing else")
    ours, peers = report.binaries()
    assert (ours.people, ours.people_wrong, ours.machines_wrong) == (1, 0, 0)
    assert (peers.people_wrong, peers.machines_open, peers.took_s.count) == (1, 1, 1)
    assert len(report.tables()) == 3
    assert "0 of 1 people" in report.lines_of_text()[0]
    assert report.lines_of_text()[-1] == "nothing else"
    text = report.write().read_text("utf-8")
    assert '"verdict": "voicemail"' in text
    assert report.as_json()["noisy"]["sound alone"]["people"] == 0


def test_what_asterisk_logs_is_read() -> None:
    line = "[Nov 21 18:00:00] NOTICE[1]: Ext. 500:3 @ from-sip: AMDRESULT 17 MACHINE MAXWORDS-3-2"
    assert RESULT.findall(line) == [("17", "MACHINE", "MAXWORDS-3-2")]
    assert not math.isnan(Said(0, "HUMAN", "", 1.0).took_s)
