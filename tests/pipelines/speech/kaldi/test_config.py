from pathlib import Path

import numpy as np

from pipelines.speech.kaldi.config import write_config, write_mean
from tests.pipelines.speech.kaldi.readers import Bytes, read_matrix


def test_the_options_are_kaldis(tmp_path: Path) -> None:
    write_config(tmp_path)
    features = (tmp_path / "conf" / "mfcc.conf").read_text()
    decoder = (tmp_path / "conf" / "model.conf").read_text()
    assert "--num-ceps=16\n" in features
    assert "--phone-determinize=false\n" in decoder
    assert all(line.startswith("--") for line in (features + decoder).splitlines())


def test_the_mean_is_kept_as_sums(tmp_path: Path) -> None:
    write_mean(tmp_path, np.array([[1.0, 2.0], [3.0, 6.0]]))
    written = (tmp_path / "am" / "global_cmvn.stats").read_bytes()
    assert written[:2] == b"\0B"
    # sums and the number of frames; sums of squares and a 0
    assert read_matrix(Bytes(written[2:])).tolist() == [[4, 8, 2], [10, 40, 0]]
