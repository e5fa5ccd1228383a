"""A study ready to run: its plan with the twin, analyses, patients and digests that the plan speaks of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from vvuq.collect import collect
from vvuq.credibility.known import check_context, check_envelopes, check_metrics, check_settings, typed
from vvuq.credibility.plan import Budget, Plan, read_plan
from vvuq.credibility.study import check_folder, find_plan, find_twin
from vvuq.data.cards import DataCard, card_paths, find_card, named_card
from vvuq.data.load import load_cohort
from vvuq.data.reference_fit import load_reference_fit
from vvuq.data.split import overlap, split
from vvuq.data.units import check_card
from vvuq.errors import InputError, NotEvaluable, near
from vvuq.evidence.freshness import freshness_key, lock_digest, source_digest
from vvuq.models.twin import Twin, load_twin
from vvuq.record import Analysis, Check, Cohort, ReferenceFit
from vvuq.strict_yaml import Document, Path_


def _none_named(name: str) -> Cohort:
    raise NotEvaluable(f"the study has no external cohort {name}")


@dataclass(frozen=True)
class Study:
    """A plan with all it needs. `parts` gives (build, held out) patients, or raises NotEvaluable where they are not at
    hand; `external` the patients of an external cohort, all sealed. `data` is the digest of what pins them, empty
    without patients; `source` that of the code."""

    plan: Plan
    path: Path
    twin: Callable[[], Twin]
    analyses: Mapping[str, Analysis]
    checks: Mapping[str, Check]
    parts: Callable[[], tuple[Cohort, Cohort]]
    reference_fit: Callable[[], ReferenceFit]
    data: str
    source: str
    external: Callable[[str], Cohort] = _none_named

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
    """The study of this name or path, its plan held against all that it speaks of. Raises InputError."""
    path = find_plan(where)
    plan, document = read_plan(path)
    check_folder(plan, document, path)
    card = _card(plan, document, path, plan.cohort, ("cohort",)) if plan.cohort else None
    others = {one: _card(plan, document, path, one, ("external", i)) for i, one in enumerate(plan.external)}
    for one in (*([card] if card else []), *others.values()):
        check_card(one)
    check_context(plan, document, card)
    analyses = collect("vvuq.analyses", Analysis)
    check_settings(plan, document, {name: typed(one.run) for name, one in analyses.items()}, card)
    check_envelopes(plan, document, card)
    where = document.at(("twin",))
    file, rival = find_twin(plan.twin, path, where)
    twin = replace(load_twin(file, rival, where), path=str(file.absolute()))
    check_metrics(plan, document, {name: analyses[name].metrics for name in plan.analyses}, twin)

    @cache
    def parts() -> tuple[Cohort, Cohort]:
        there = _there(card)
        return split(load_cohort(there), there.held_out)

    @cache
    def external(name: str) -> Cohort:
        return _apart(load_cohort(others[name]), parts())

    return Study(
        plan=plan,
        path=path,
        twin=lambda: twin,
        analyses=analyses,
        checks=collect("vvuq.analyses", Check),
        parts=parts,
        reference_fit=lambda: load_reference_fit(_there(card)),
        data="+".join(one.digest for one in (card, *others.values()) if one),
        source=source_digest(file),
        external=external,
    )


def _there(card: DataCard | None) -> DataCard:
    if card is None:
        raise NotEvaluable("the study has no patients: its plan names no cohort")
    return card


def _apart(cohort: Cohort, parts: tuple[Cohort, Cohort]) -> Cohort:
    """The cohort with all its patients sealed. Raises InputError where one of them is a patient of the study."""
    shared = [one for part in parts for one in overlap(cohort, part)]
    if shared:
        remedy = "a cohort without patients of the study, neither by id nor by record"
        raise InputError(f"cohort {cohort.name}", "external", f"{len(shared)} patients", remedy)
    return replace(cohort, patients=tuple(replace(patient, sealed=True) for patient in cohort.patients))


def _card(plan: Plan, document: Document, path: Path, cohort: str, place: Path_) -> DataCard:
    own, known = path.parent / "data" / f"{cohort}.yaml", card_paths()
    if own.is_file():
        return named_card(own)
    if cohort not in known:
        remedy = f"a data card in {own.parent} or of another study{near(cohort, known)}"
        raise InputError(document.at(place), ".".join(map(str, place)), cohort, remedy)
    return find_card(cohort)
