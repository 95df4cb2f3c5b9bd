"""Private files and folders, and what is said when they cannot be written."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from deployer.adapters.files import replace_folder, write_private
from deployer.errors import LocalDisk


def test_a_full_disk_while_copying_a_folder_is_one_short_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names one file, and what was copied so far does not keep the disk full."""
    source = tmp_path / "dist"
    source.mkdir()
    for number in range(30):
        (source / f"{number}.js").write_text("x")

    def full(_source: Any, destination: Any, **_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), _source, None, destination)

    copytree = shutil.copytree
    monkeypatch.setattr(
        "deployer.adapters.files.shutil.copytree",
        lambda source, target, **more: copytree(source, target, copy_function=full, **more),
    )
    with pytest.raises(LocalDisk) as caught:
        replace_folder(source, tmp_path / "kept" / "dist")

    assert caught.value.message == "a file cannot be written: No space left on device"
    assert str(caught.value.place).endswith(".js")
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_private_file_is_replaced_only_when_it_differs(tmp_path: Path) -> None:
    """Others may not read it; an equal text is left alone."""
    path = tmp_path / "folder" / "file"

    assert write_private(path, "one")
    assert not write_private(path, "one")
    assert path.stat().st_mode & 0o777 == 0o600


def test_folders_above_a_private_file_are_private_too(tmp_path: Path) -> None:
    """Also those that had to be made on the way, whatever the umask."""
    before = os.umask(0o022)
    try:
        write_private(tmp_path / "a" / "b" / "file", "one")
    finally:
        os.umask(before)

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
