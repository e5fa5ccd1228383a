"""Imported by the server of processes: one run of the small study, so that those it forks start from the same point."""

import tempfile
from pathlib import Path

import small
from crash import child

with tempfile.TemporaryDirectory() as folder:
    for command in ("run", "gate"):
        child.here(small.make(Path(folder) / command), command)
