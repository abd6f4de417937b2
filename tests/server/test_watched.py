from engine.channel import Capabilities, Receiver
from engine.frames import Dtmf, Frame, Hangup, Say
from server.watched import Watched


class _Channel:
    capabilities = Capabilities(rate_hz=16000)

    def __init__(self) -> None:
        self.told: list[object] = []

    def attach(self, receiver: Receiver) -> None:
        self.told.append(receiver)

    def send(self, frame: Frame) -> None:
        self.told.append(frame)

    def close(self, reason: str) -> None:
        self.told.append(reason)

    def play(self, pcm: bytes) -> None:
        self.told.append(pcm)

    def pause(self, epoch: int) -> None:
        self.told.append(("pause", epoch))

    def resume(self, epoch: int) -> None:
        self.told.append(("resume", epoch))

    def clear(self, epoch: int) -> None:
        self.told.append(("clear", epoch))


def test_frames_are_watched_and_the_rest_goes_its_way() -> None:
    channel = _Channel()
    watched = Watched(channel, lambda frame: channel.told.append(("watched", frame)))
    line = Say("Bonjour.")
    watched.send(line)
    watched.play(b"\0\0")
    watched.pause(1)
    watched.resume(1)
    watched.clear(1)
    watched.close("completed")
    assert channel.told == [
        ("watched", line),
        line,
        b"\0\0",
        ("pause", 1),
        ("resume", 1),
        ("clear", 1),
        "completed",
    ]
    assert watched.capabilities is channel.capabilities


def test_what_comes_in_goes_to_the_receiver_where_whoever_hears_it_says_so() -> None:
    channel = _Channel()
    heard: list[Frame] = []
    received: list[Frame] = []

    def hear(frame: Frame) -> bool:
        heard.append(frame)
        return isinstance(frame, Hangup)

    Watched(channel, lambda frame: None, hear).attach(received.append)
    (deliver,) = channel.told
    assert callable(deliver)
    frames: list[Frame] = [Dtmf("1", 0.0), Hangup("caller")]
    for frame in frames:
        deliver(frame)
    assert heard == frames
    assert received == [Hangup("caller")]


def test_without_anybody_who_hears_the_receiver_is_the_channels() -> None:
    channel = _Channel()
    received: list[Frame] = []
    receiver = received.append
    Watched(channel, lambda frame: None).attach(receiver)
    assert channel.told == [receiver]
