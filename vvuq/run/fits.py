"""Fits of the bedside, kept in the user's cache: a fit is deterministic, so that what was found once is found again.

A kept fit holds typical parameters and drifts of a population, no patient. Its name is the digest of all that the fit
depends on, and the file holds the digest of its content: a file that is cut off or was changed counts as none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vvuq.calibration.tracking import Tracking
from vvuq.errors import VvuqError
from vvuq.evidence.canonical import canonical, sha256
from vvuq.evidence.files import write_whole
from vvuq.models.parameter import Noise
from vvuq.paths import cache_folder
from vvuq.record import Cohort


def fit_file(depends: Mapping[str, Any]) -> Path:
    """Where the fit lies that depends on these values: digests of code and patients, settings."""
    return cache_folder() / "fits" / f"{sha256(canonical(depends))}.json"


def kept_fit(file: Path, cohort: Cohort) -> Tracking | None:
    """The fit to `cohort` in the file; None where there is none that is whole."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        body = found["fit"]
        if found["sha256"] != sha256(canonical(body)):
            return None
        noise = tuple(Noise(float(sd), float(cv)) for sd, cv in body["noise"])
        theta, omega, drift = (np.array(body[name], dtype=float) for name in ("theta", "omega", "drift"))
        scores = {name: float(body[name]) for name in ("objective", "start_objective")}
        who = tuple(p.id for p in cohort.patients)
        return Tracking(theta, omega, noise, drift, **scores, evaluations=int(body["evaluations"]), patients=who,
                        cohort=cohort)  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_fit(file: Path, found: Tracking) -> bool:
    """Writes the file, whole or not at all; False where it cannot be written."""
    body = {
        "theta": found.theta, "omega": found.omega, "noise": [[n.sd, n.cv] for n in found.noise], "drift": found.drift,
        "objective": found.objective, "start_objective": found.start_objective, "evaluations": found.evaluations,
    }  # fmt: skip
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, canonical({"fit": body, "sha256": sha256(canonical(body))}).encode())
    except (OSError, VvuqError):
        return False
    return True
