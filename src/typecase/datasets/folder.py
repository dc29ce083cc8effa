"""Pictures of anything, one subfolder a class."""

from __future__ import annotations

from typecase.datasets.base import CharacterDataset


class ClassFolder(CharacterDataset):
    """Any pictures in class folders, as a folder or an archive; see `layouts.FolderLayout`."""

    kind = "folder"
