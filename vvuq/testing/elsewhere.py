"""The numbers of stays as digests, here or in another process: python -m vvuq.testing.elsewhere TWIN NAME < stays."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vvuq.models.twin import Twin, load_twin
from vvuq.testing.cases import Stay, see


def digest(twin: Twin, stay: Stay) -> dict[str, str]:
    """sha256 of what a stay gives: the schedules, the observables by the twin's own step, the closed form."""
    seen = see(twin, stay, twin.method)
    found = {
        "schedules": repr([one.course.schedule for one in seen]).encode(),
        "observables": b"".join(np.ascontiguousarray(one.observed).tobytes() for one in seen),
    }
    if twin.closed_form is not None:
        theta = np.array([stay.theta[p.name] for p in twin.model.parameters])
        exact = [twin.closed_form(one.course.schedule, theta, np.array(one.course.times)) for one in seen]
        found["closed form"] = b"".join(np.asarray(values, dtype=float).tobytes() for values in exact)
    return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}


def digests_elsewhere(twin: Twin, stays: Sequence[Stay]) -> list[dict[str, str]]:
    """The digests of the stays in a new process, whose sets of texts have another order than those of this one.

    It loads the twin by its path and name. Raises RuntimeError with what the process said last where it fails."""
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    home = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "vvuq.testing.elsewhere", twin.path, twin.name],
        input=pickle.dumps(list(stays)),
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"in another process: {done.stderr.decode(errors='replace').strip().splitlines()[-1:]}")
    return list(json.loads(done.stdout))


def main() -> None:
    """Reads stays from standard input, as this project's own process wrote them; prints their digests as JSON."""
    twin = load_twin(Path(sys.argv[1]), sys.argv[2])
    found = [digest(twin, stay) for stay in pickle.load(sys.stdin.buffer)]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
