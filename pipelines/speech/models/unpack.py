"""Unpacks a model's archive, which nobody vouches for."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from engine.errors import SpeechError

__all__ = ["unpack"]

MAX_FILES = 1000
"""Vosk's models hold some twenty."""


def unpack(archive: Path, into: Path, limit_bytes: int) -> None:
    """Unpack `archive`, without the one folder that all of it lies in, into the new folder `into`.

    Raises SpeechError for an archive that is damaged, leads out of its folder, holds links, or
    unpacks to more than `limit_bytes`; `into` may then hold a part of it.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = [member for member in zipped.infolist() if not member.is_dir()]
            _refuse(members, limit_bytes)
            into.mkdir()
            for member in members:
                target = into.joinpath(*PurePosixPath(member.filename).parts[1:])
                target.parent.mkdir(parents=True, exist_ok=True)
                # Never more than the archive declares, whatever its data unpacks to: zipfile
                # stops there, and the checksum of what was cut does not fit.
                with zipped.open(member) as packed, target.open("wb") as out:
                    shutil.copyfileobj(packed, out)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SpeechError(
            f"{archive.name} is damaged; run the same command again to fetch it anew"
        ) from error


def _refuse(members: list[zipfile.ZipInfo], limit_bytes: int) -> None:
    if len(members) > MAX_FILES or sum(member.file_size for member in members) > limit_bytes:
        raise SpeechError(f"the archive unpacks to more than {limit_bytes // 1_000_000} MB")
    tops = set()
    for member in members:
        parts = PurePosixPath(member.filename).parts
        # A backslash or a colon is part of a name here, and of a path on Windows.
        wrong = member.filename.startswith("/") or any(c in member.filename for c in "\\:")
        if wrong or ".." in parts or len(parts) < 2:
            raise SpeechError(f"the archive leads out of its folder: {member.filename!r}")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise SpeechError(f"the archive holds a link: {member.filename!r}")
        tops.add(parts[0])
    if len(tops) != 1:
        raise SpeechError("the archive does not lie in one folder")
