"""Twin experiments on Lorenz-63 and Lorenz-96 with the settings of a published table (references/lorenz_rmse.csv)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import large
import yaml

from vvuq.assimilation.denkf import Denkf
from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.enkf import PerturbedObservations
from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.experiment import Experiment, Score, Truth, make_truth, score
from vvuq.assimilation.letkf import Letkf
from vvuq.assimilation.localization import Localization, gaspari_cohn, localization
from vvuq.numerics.streams import Draws

FOLDER = Path(__file__).parent / "references"
METHODS = {method.__name__: method for method in (PerturbedObservations, Etkf, Denkf, Eakf, Letkf)}
HALF_WIDTH = 1.82  # of the Gaspari-Cohn taper, in units of the published radius


@dataclass(frozen=True)
class Row:
    """One published result: an experiment, a filter with its options, and the RMSE of its analysis mean."""

    case: str
    method: str
    members: int
    inflation: float
    rotated: bool
    radius: float | None
    rmse: float

    @property
    def name(self) -> str:
        return f"{self.case}-{self.method}-{self.members}"


@lru_cache(maxsize=1)
def published() -> tuple[Row, ...]:
    """The table."""
    with (FOLDER / "lorenz_rmse.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Row(
                r["case"], r["method"], int(r["members"]), float(r["inflation"]), r["rotated"] == "yes",
                float(r["radius"]) if r["radius"] else None, float(r["rmse"]),
            )
            for r in csv.DictReader(file)
        )  # fmt: skip


def card() -> dict[str, Any]:
    """What the table is, and how it is judged."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / "lorenz_rmse.yaml").read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=4)
def experiment(case: str) -> Experiment:
    """Lorenz-63 or Lorenz-96 as the reference twin declares it."""
    found: Experiment = large.lorenz().experiments[case]()
    return found


@lru_cache(maxsize=4)
def ring_localization(case: str, radius: float) -> Localization:
    """The Gaspari-Cohn taper of a published radius."""
    distances = experiment(case).distances
    assert distances is not None
    return localization(*distances, lambda distance: gaspari_cohn(distance, HALF_WIDTH * radius))


def method(row: Row, **changed: Any) -> Any:
    """The filter of a row, with some of its options changed."""
    options: dict[str, Any] = {"members": row.members, "inflation": row.inflation, "rotate": row.rotated}
    if row.radius is not None:
        options["localization"] = ring_localization(row.case, row.radius)
    return METHODS[row.method](**{**options, **changed})


@lru_cache(maxsize=8)
def truth(case: str, cycles: int, seed: int) -> Truth:
    """A truth of an experiment and its measurements, one for each seed."""
    return make_truth(experiment(case), cycles, Draws(seed, "lorenz truth"))


def run(case: str, filter_: Any, cycles: int, seed: int) -> Score:
    """A filter on the measurements of a truth; both from one seed, in streams of their own."""
    return score(experiment(case), truth(case, cycles, seed), filter_, Draws(seed, "lorenz filter"))
