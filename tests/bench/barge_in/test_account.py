from bench.barge_in.account import Account


def said(account: Account, turn: int, frames: int = 1) -> None:
    account.passed({"type": "reply", "turn": turn, "text": "bonjour"}, 0.0)
    account.passed({"type": "state", "state": "responding"}, 0.0)
    for _ in range(frames):
        account.received(b"\1\1")


def test_sound_belongs_to_the_last_reply() -> None:
    account = Account()
    said(account, 1, frames=2)
    said(account, 2)
    assert account.sound == {1: b"\1\1\1\1", 2: b"\1\1"}
    assert account.line == {1: "bonjour", 2: "bonjour"}


def test_sound_marks_and_lines_of_a_cancelled_turn_are_counted() -> None:
    account = Account()
    said(account, 1)
    account.passed({"type": "clear", "turn": 1}, 1.0)
    assert account.sent_after_cancel == 0
    account.received(b"\1\1")
    account.passed({"type": "mark", "name": "1.1"}, 1.0)
    account.passed({"type": "reply", "turn": 1, "text": "encore"}, 1.0)
    assert account.sent_after_cancel == 3
    said(account, 2)
    account.passed({"type": "mark", "name": "2.0"}, 1.0)
    assert account.sent_after_cancel == 3


def test_nothing_may_sound_between_pause_and_resume() -> None:
    account = Account()
    said(account, 1)
    account.passed({"type": "pause", "turn": 1}, 1.0)
    account.received(b"\1\1")
    account.passed({"type": "resume", "turn": 1}, 2.0)
    account.received(b"\1\1")
    assert account.sent_while_paused == 1


def test_without_clear_the_state_tells_that_a_turn_was_cancelled() -> None:
    account = Account()
    said(account, 1)
    account.passed({"type": "state", "state": "paused"}, 1.0)
    account.passed({"type": "state", "state": "responding"}, 1.5)
    account.passed({"type": "state", "state": "listening"}, 2.0)
    assert account.cancelled == set()
    said(account, 2)
    account.passed({"type": "state", "state": "paused"}, 3.0)
    account.passed({"type": "state", "state": "listening"}, 3.5)
    assert account.cancelled == {2}
    assert account.events[2] == [("responding", 0.0), ("paused", 3.0), ("listening", 3.5)]
