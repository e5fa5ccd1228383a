"""A synthetic cohort as a NONMEM table, in a synthetic wheel, behind a data card, with folders of its own."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from strategies import synthetic_neonates

from vvuq.data.cards import DataCard, load_card
from vvuq.record import Cohort

HEADER = "ID TIME AMT WGT APGR DV FA1 FA2"
WHEEL = "baby_cohorts-1.0-py3-none-any.whl"
INNER = "baby_cohorts/tables/babies.dta"


def table(cohort: Cohort) -> str:
    """The cohort as text in the layout of the phenobarbital table, samples above doses of the same time."""
    lines = [HEADER]
    for patient in cohort.patients:
        covariates = dict(patient.covariates)
        fixed = f"{covariates['weight']!r} {covariates['apgar']:.0f}"
        rows = [(d.time, 1, f"{patient.id} {d.time!r} {d.amount!r} {fixed} 0 1 1") for d in patient.doses]
        rows += [(m.time, 0, f"{patient.id} {m.time!r} 0 {fixed} {m.value!r} 0 0") for m in patient.measurements]
        lines += [text for _, _, text in sorted(rows)]
    return "\n".join(lines) + "\n"


def body(wheel: bytes, content: bytes, cohort: Cohort) -> dict[str, object]:
    """The fields of a valid data card."""
    covariates = [
        {"column": "WGT", "name": "weight", "unit": "kg", "meaning": "body weight", "low": 0.3, "high": 6},
        {"column": "APGR", "name": "apgar", "unit": "1", "meaning": "Apgar", "low": 0, "high": 10, "whole": True},
    ]
    layout = {"format": "nonmem", "file": "babies.dta", "id": "ID", "time": "TIME", "dose": "AMT", "observation": "DV"}
    layout |= {"observable": "concentration", "event": "FA1", "ignored": ["FA2"], "covariates": covariates}
    layout |= {"time_unit": "h", "dose_unit": "mg", "observation_unit": "mg/L"}
    files = [{"path": INNER, "sha256": hashlib.sha256(content).hexdigest(), "purpose": "the cohort"}]
    pin = {"wheel": WHEEL, "sha256": hashlib.sha256(wheel).hexdigest(), "requirements": "babies-wheel.txt"}
    return {
        "name": "babies",
        "title": "Simulated neonates",
        "source": "a simulation",
        "licence": {"data": "none", "package": "Apache-2.0", "confirmed": False, "note": "made by a test"},
        "citation": {"text": "A. Nonymous, 1985"},
        "obtain": pin | {"files": files},
        "layout": layout,
        "patients": len(cohort.patients),
        "measurements": sum(len(patient.measurements) for patient in cohort.patients),
        "visibility": "nobody saw it",
        "held_out": {"salt": "test/", "count": 3},
        "comparator": [{"topic": "assay", "known": "not reported", "source": "none"}],
        "limits": ["simulated"],
    }


@dataclass(frozen=True)
class Babies:
    """Everything a test needs of the synthetic cohort."""

    cohort: Cohort
    card: DataCard
    fields: dict[str, object]
    content: bytes
    wheel: bytes
    cache: Path
    data: Path

    @property
    def target(self) -> Path:
        return self.cache / "data" / "babies"

    def pack(self, members: dict[str, bytes]) -> bytes:
        """A zip archive with these members."""
        return pack(self.cache.parent, members)

    def rewrite(self, fields: dict[str, object]) -> DataCard:
        path = self.card.folder / "babies.yaml"
        path.write_text(yaml.safe_dump(fields))
        return load_card(path)


def pack(folder: Path, members: dict[str, bytes]) -> bytes:
    """A zip archive with these members."""
    path = folder / "packed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path.read_bytes()


@pytest.fixture
def babies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Babies:
    cache, data = tmp_path / "a cache", tmp_path / "given data"
    data.mkdir()
    monkeypatch.setenv("VVUQ_CACHE", str(cache))
    monkeypatch.setenv("VVUQ_DATA", str(data))
    cohort = synthetic_neonates(10, 5)
    content = table(cohort).encode()
    wheel = pack(tmp_path, {INNER: content, "baby_cohorts/__init__.py": b"raise SystemExit('never import me')\n"})
    folder = tmp_path / "my studies" / "nursery" / "data"
    folder.mkdir(parents=True)
    fields = body(wheel, content, cohort)
    path = folder / "babies.yaml"
    path.write_text(yaml.safe_dump(fields))
    pin = hashlib.sha256(wheel).hexdigest()
    (folder / "babies-wheel.txt").write_text(f"baby-cohorts==1.0 --hash=sha256:{pin}\n")
    return Babies(cohort, load_card(path), fields, content, wheel, cache, data)
