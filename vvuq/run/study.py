"""A study ready to run: its plan with the twin, analyses, patients and digests that the plan speaks of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vvuq.collect import collect
from vvuq.credibility.plan import Budget, Known, Plan, load_plan
from vvuq.credibility.study import find_plan, find_twin
from vvuq.data.cards import DataCard, find_card, load_card
from vvuq.data.load import load_cohort
from vvuq.data.split import split
from vvuq.errors import InputError
from vvuq.evidence.freshness import freshness_key, lock_digest, source_digest
from vvuq.models.twin import Twin, load_twin
from vvuq.record import Analysis, Check, Cohort


@dataclass(frozen=True)
class Study:
    """A plan with all it needs. `parts` gives (build, held out) patients, or raises NotEvaluable where they are not at
    hand; `data` is the digest of what pins them; `source` that of the code."""

    plan: Plan
    path: Path
    twin: Callable[[], Twin]
    analyses: Mapping[str, Analysis]
    checks: Mapping[str, Check]
    parts: Callable[[], tuple[Cohort, Cohort]]
    data: str
    source: str

    def key(self, analysis: str, budget: Budget) -> str:
        """The freshness key of an analysis of the plan today."""
        return freshness_key(
            plan=self.plan.digest,
            source=self.source,
            data=self.data,
            lock=lock_digest(),
            analysis=analysis,
            settings=self.plan.analyses[analysis].at(budget),
        )

    def keys(self) -> dict[str, tuple[str, ...]]:
        """For each analysis the keys that count, the full budget's first."""
        return {name: (self.key(name, "full"), self.key(name, "quick")) for name in self.plan.analyses}


def open_study(where: str) -> Study:
    """The study of this name or path, with the installed analyses and checks. Raises InputError."""
    path = find_plan(where)
    analyses = collect("vvuq.analyses", Analysis)
    plan = load_plan(path, {name: known(one) for name, one in analyses.items()})
    twin = find_twin(plan.twin, path)
    card = _card(plan, path)

    @cache
    def parts() -> tuple[Cohort, Cohort]:
        return split(load_cohort(card), card.held_out)

    @cache
    def load() -> Twin:
        return load_twin(twin)

    return Study(
        plan=plan,
        path=path,
        twin=load,
        analyses=analyses,
        checks=collect("vvuq.analyses", Check),
        parts=parts,
        data=card.digest,
        source=source_digest(twin),
    )


def _card(plan: Plan, path: Path) -> DataCard:
    own = path.parent / "data" / f"{plan.cohort}.yaml"
    card = load_card(own) if own.is_file() else find_card(plan.cohort)
    planned = (plan.splits.held_out_patients, plan.splits.salt)
    if planned != (card.held_out.count, card.held_out.salt):
        raise InputError(str(path), "splits", planned, f"the rule of the data card: {card.held_out}")
    return card


def known(analysis: Analysis) -> Known:
    """The settings that an analysis takes, and those it needs: the parameters of its function that have a keyword."""
    parameters = inspect.signature(analysis.run).parameters.values()
    keywords = [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    needed = [parameter.name for parameter in keywords if parameter.default is parameter.empty]
    return Known(settings=[parameter.name for parameter in keywords], required=needed)
