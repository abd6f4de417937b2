import gzip
from collections import Counter
from pathlib import Path

import pytest

from engine.errors import SpeechError
from pipelines.speech.kaldi.arpa import read_arpa, write_arpa
from pipelines.speech.kaldi.ngram import estimate

MODEL = estimate(Counter(["oui", "oui je veux bien", "non"]), ["peut-être"])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lm.arpa.gz"
    write_arpa(path, MODEL)
    found = read_arpa(path)
    assert found.followers.keys() == MODEL.followers.keys()
    for context, followers in MODEL.followers.items():
        assert found.followers[context] == pytest.approx(followers, abs=2e-4)
    assert found.backoff == pytest.approx(MODEL.backoff, abs=2e-4)


def test_as_other_programs_expect_it(tmp_path: Path) -> None:
    path = tmp_path / "lm.arpa.gz"
    write_arpa(path, MODEL)
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert lines[:4] == ["\\data\\", "ngram 1=8", "ngram 2=8", "ngram 3=6"]
    assert lines[-1] == "\\end\\"
    assert any(line.startswith("-99.0000\t<s>\t") for line in lines)


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_arpa(tmp_path / name, MODEL)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b"text",
        gzip.compress(b"\\1-grams:\nx\ta\n"),
        gzip.compress(b""),
        gzip.compress(b"a" * 99)[:-9],
    ],
)
def test_a_damaged_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lm.arpa.gz"
    path.write_bytes(content)
    with pytest.raises(SpeechError, match=r"lm\.arpa\.gz"):
        read_arpa(path)
