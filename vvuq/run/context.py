"""The Context of one analysis: everything in it that has a side effect or a source of chance."""

from __future__ import annotations

import getpass
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache

import numpy as np

from vvuq.campaign.function import has_key
from vvuq.campaign.progress import Progress
from vvuq.campaign.serial import evaluate
from vvuq.credibility.lock import check_lock
from vvuq.errors import InputError, NotEvaluable, near
from vvuq.evidence.canonical import sha256
from vvuq.evidence.freshness import lock_digest
from vvuq.evidence.store import Store
from vvuq.paths import PACKAGE
from vvuq.record import Cohort, Floats, ReferenceFit
from vvuq.run.scheduling import Campaigns, settings_of
from vvuq.run.study import Study

_LONGEST_NAME = 80


class RunContext:
    """The Context of one analysis: its own random streams, its patients, its count of model runs.

    campaigns: where functions with a key are run; tell: is called now and then with how far they are."""

    def __init__(
        self,
        study: Study,
        store: Store,
        analysis: str,
        campaigns: Campaigns | None = None,
        tell: Callable[[Progress], None] | None = None,
    ) -> None:
        self._study, self._store, self._analysis = study, store, analysis
        self._campaigns, self._tell = campaigns or Campaigns(None), tell
        self.model_runs = 0

    def stream(self, name: str) -> np.random.Generator:
        """A stream keyed by (seed, analysis, name): no other analysis or stream can change its numbers."""
        entropy = hashlib.sha256(repr((self._study.plan.seed, self._analysis, name)).encode()).digest()
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(int.from_bytes(entropy))))

    def build(self) -> Cohort:
        """The build patients."""
        return self._study.parts()[0]

    def open_sealed(self, reason: str) -> Cohort:
        """The held-out patients. Raises InputError while the plan is unlocked, IntegrityError if it changed since."""
        check_lock(self._study.plan, self._study.path)
        sealed = self._study.parts()[1]
        found = {"reason": reason, "cohort": sealed.digest, "patients": len(sealed.patients)}
        self._store.append(self._study.plan.study, "opened", self._said() | found)
        return sealed

    def external(self, name: str, reason: str = "external validation") -> Cohort:
        """The patients of an external cohort of the plan, all sealed. Raises InputError while the plan is unlocked or
        where it does not name the cohort, IntegrityError if it changed since."""
        check_lock(self._study.plan, self._study.path)
        if name not in self._study.plan.external:
            remedy = f"a cohort of the plan's `external`{near(name, self._study.plan.external)}"
            raise InputError(str(self._study.path), "external", name, remedy)
        cohort = self._study.external(name)
        found = {"reason": f"{name}: {reason}", "cohort": cohort.digest, "patients": len(cohort.patients)}
        self._store.append(self._study.plan.study, "opened", self._said() | found)
        return cohort

    def refused(self, message: str) -> None:
        """Puts on record that this analysis was stopped because it reached for what is sealed or was changed."""
        self._store.append(self._study.plan.study, "refused", self._said() | {"message": message})

    def _said(self) -> dict[str, str | None]:
        """Who runs which analysis, under which plan and commit; the event itself adds when."""
        return {"analysis": self._analysis, "plan": self._study.plan.digest, "commit": commit(), "who": who()}

    def reference_fit(self) -> ReferenceFit:
        """What another program found on the whole cohort."""
        return self._study.reference_fit()

    def evaluate(self, function: Callable[[Floats], Floats], points: Floats) -> Floats:
        """function applied to points (d, n) -> (n,) or (k, n), failures as NaN; n model runs are counted.

        A function with a key (`vvuq.campaign.function.Function`) is run as a campaign: kept, resumed, and in parallel
        where that was asked for; any other here, one chunk after another.
        Raises NotEvaluable where every run of a campaign failed."""
        self.model_runs += points.shape[1]
        if not has_key(function):
            return evaluate(function, points)
        code = sha256(self._study.source + lock_digest())
        found = self._campaigns.run(function, points, settings_of(code, self._study.plan.seed, self._tell))
        if len(found.reasons) == points.shape[1]:
            raise NotEvaluable(f"all {points.shape[1]} model runs failed: {found.reasons[0]}")
        return found.values


def who() -> str:
    """Who runs this, as far as the machine says: $VVUQ_USER, else the login name. It is claimed, not proven."""
    try:
        name = os.environ.get("VVUQ_USER") or getpass.getuser()
    except (KeyError, ImportError, OSError):  # no such variable, and no entry for this user
        name = ""
    printable = "".join(sign if sign.isprintable() else "?" for sign in name.strip())
    return printable[:_LONGEST_NAME] or "unknown"


@cache
def commit() -> str | None:
    """The commit of the checkout that runs, with "+changes" where files differ from it; None outside of one."""
    git = shutil.which("git")
    if git is None or not (PACKAGE.parent / ".git").exists():
        return None

    def ask(*words: str) -> str | None:
        command = [git, "--no-optional-locks", *words]
        done = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    head = ask("rev-parse", "HEAD")
    return head and head + ("+changes" if ask("status", "--porcelain") else "")
