from bench.barge_in.account import Account
from bench.turn_taking.callers import CONDITIONS
from bench.turn_taking.outcome import CallResult, Resumes, references, resumes, taken
from server.talk.far_end import FarEnd
from server.talk.turn_taking import Said

SOUND = bytes(range(256)) * 250  # 2 s at 16 kHz
LOUD = b"\0\x20" * 32000


class Line:
    """A far end and an account that are told the same."""

    def __init__(self) -> None:
        self.far, self.account, self.now = FarEnd(16000, 0.0), Account(), 0.0

    def tell(self, **message: object) -> None:
        self.far.receive(dict(message), self.now)
        self.account.passed(dict(message), self.now)

    def sound(self, pcm: bytes) -> None:
        self.far.receive(pcm, self.now)
        self.account.received(pcm)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.far.advance(self.now)

    def result(self, *said: Said, **lasts_ms: float) -> CallResult:
        lasts = {int(turn[1:]): ms for turn, ms in lasts_ms.items()}
        return CallResult(CONDITIONS[0], 1, said, self.far, self.account, lasts)


def held(*, skipped: int = 0) -> Line:
    """A turn that nobody spoke over, and the same again with a hold."""
    line = Line()
    for turn in (1, 2):
        line.tell(type="reply", turn=turn, text="Voici.")
        line.sound(LOUD[: 2 * 16000])
        if turn == 2:
            line.wait(0.5)
            line.tell(type="pause", turn=2)
            line.wait(0.7)
            line.tell(type="resume", turn=2)
        line.sound(LOUD[2 * 16000 : len(LOUD) - 2 * skipped * (turn - 1)])
        line.wait(3.0)
        line.tell(type="turn", turn=turn, interrupted=False)
    line.tell(type="reply", turn=3, text="Fin.")
    line.sound(LOUD)
    line.wait(0.2)
    return line


def test_a_turn_that_went_on_where_it_stopped() -> None:
    call = held().result(Said("backchannel", 3300, 3600))
    assert call.whole() == {1, 2, 3}
    assert resumes(call, references([call])) == Resumes(1, 1)
    found = taken(call)
    assert found.kept_rate("backchannel") == 1
    assert found.selectivity("backchannel") == 0


def test_a_sample_that_is_missing_is_seen() -> None:
    call = held(skipped=1).result()
    assert resumes(call, references([call])) == Resumes(1, 0)


def test_an_engine_that_says_how_long_its_turn_is() -> None:
    line = Line()
    line.tell(type="reply", turn=1, text="Voici.")
    line.sound(LOUD)
    line.wait(1.0)
    line.tell(type="clear", turn=1)
    line.wait(1.0)
    line.tell(type="reply", turn=2, text="Voici.")
    line.sound(LOUD)
    line.wait(3.0)
    line.tell(type="reply", turn=3, text="Fin.")
    line.sound(LOUD)
    line.wait(1.0)
    call = line.result(t1=2000.0, t2=2000.0, t3=2000.0)
    assert call.whole() == {2, 3}
    assert taken(call).lost == 1


def test_we_are_heard_from_our_first_audible_sample() -> None:
    line = Line()
    line.tell(type="reply", turn=1, text="Voici.")
    line.sound(bytes(2 * 1600) + LOUD[: 2 * 1600])
    line.wait(1.0)
    call = line.result(Said("answer", -500, 0))
    assert taken(call).response_ms == [100]
    assert call.as_json()["sounded"] == [[1, 100, 200]]
