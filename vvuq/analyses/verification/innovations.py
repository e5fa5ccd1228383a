"""What watched stays say of a filter: decisions, sizes of what is wrong with intervals, and tables of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from vvuq.analyses.verification.stays import Watched
from vvuq.errors import NotEvaluable
from vvuq.methods.bootstrap import quantity, ratio_bootstrap
from vvuq.methods.consistency import (
    Decision,
    autocorrelations,
    by_patient,
    chi_square,
    chi_square_bounds,
    neighbours,
    whiteness,
)
from vvuq.methods.power import Detectable, detectable, family, share_bounds
from vvuq.methods.uniformity import pit_uniformity
from vvuq.record import Cell, Context, Floats, Quantity, Table

FAMILY = ("nis", "nis_by_patient", "pit", "whiteness")  # what can be tested without knowing the truth
FACTORS = ("innovation", "state", "parameter")
MARGIN = 0.1  # relative error of the filter's SDs that no decision turns on
BINS = 10
POWER = 0.8
LEAST_COHORTS = 40  # simulated cohorts, for the central 95 % of a statistic
GROUPS = (("0", 0, 1), ("1", 1, 2), ("2", 2, 3), ("3 or more", 3, 10**9))


@dataclass(frozen=True, slots=True)
class Found:
    """The parts of the Evidence."""

    values: dict[str, Quantity]
    tables: dict[str, Table]
    findings: tuple[str, ...]
    negative: tuple[str, ...]


def metrics() -> dict[str, str]:
    """Name and unit of every value that `judged` gives where there are build patients."""
    real = ("n_patients", "n_measurements", "nis", "spread_factor", "correlation", *(f"p_{t}" for t in FAMILY))
    could = ("detectable_overconfidence", "detectable_underconfidence", "detectable_correlation")
    drawn = ("patients", "nis", *(f"{name}_factor" for name in FACTORS), "correlation")
    names = (*real, "n_rejected", *could, *(f"simulated_{name}" for name in drawn), "failed_steps")
    return dict.fromkeys(names, "1") | {"simulated_rejected": "%"}


def judged(
    simulated: Sequence[Sequence[Watched]], real: Sequence[Watched] | None, names: Sequence[str], context: Context,
    *, level: float, resamples: int,
) -> Found:  # fmt: skip
    """simulated: by cohort, each drawn as the build patients; real: the build patients, None where there are none.

    names: of the rows of a belief. Raises NotEvaluable where no step of the simulated patients worked."""
    drawn = [w for copy in simulated for w in copy]
    if all(w.failed == w.nis.size for w in drawn):
        raise NotEvaluable("the filter failed on every measurement of the simulated patients")
    rng = context.stream("tests")
    cohorts = [decided(copy, rng, level, permutations=199) for copy in simulated]
    whole = (*decided(drawn, rng, level, permutations=199), *truths(drawn, names, level))
    values = _of_simulated(drawn, cohorts, rng, resamples)
    values |= _failed(drawn, real)
    tables = {"nis": _by_history(drawn, real), "pit": _pits(drawn, real)}
    tables["simulated"] = _decisions("simulated patients", whole)
    if real is None:
        return Found(values, tables, (), _wrong(values, ()))
    decisions = decided(real, rng, level)
    could = detectable(
        [w.innovations for w in real], context.stream("power"), level=level / len(FAMILY), power=POWER, repeats=1000
    )
    values |= _of_real(real, decisions, rng, resamples) | _power(could)
    tables["decisions"] = _decisions("build patients", decisions, cohorts)
    tables["power"] = _detectable(could)
    return Found(values, tables, (*_untested(decisions), *_alone(decisions), _could(could)), _wrong(values, decisions))


def within(factor: Quantity | None) -> bool:
    """Are SDs right within MARGIN, surely: both one-sided 95 % bounds of the factor inside."""
    if factor is None or factor.lower95 is None or factor.upper95 is None:
        return False
    return factor.lower95 >= 1.0 - MARGIN and factor.upper95 <= 1.0 + MARGIN


def decided(
    seen: Sequence[Watched], rng: np.random.Generator, level: float, *, permutations: int = 999
) -> tuple[Decision, ...]:
    """The tests of FAMILY, in its order, decided together."""
    values, degrees = [w.nis for w in seen], [w.degrees for w in seen]
    alone = (
        chi_square("nis", np.concatenate(values), np.concatenate(degrees), level),
        by_patient("nis_by_patient", values, degrees, level),
        pit_uniformity("pit", np.concatenate([w.pit for w in seen]), level),
        whiteness("whiteness", [w.innovations for w in seen], rng, level=level, permutations=permutations),
    )
    return family(alone, level)


def truths(seen: Sequence[Watched], names: Sequence[str], level: float) -> tuple[Decision, ...]:
    """NEES of the parameters together and of each state, decided together."""
    squared, freedom = (np.array([w.parameters[i] for w in seen], dtype=float) for i in (0, 1))
    states = np.array([w.states for w in seen]) ** 2
    each = [
        chi_square(f"nees of {name}", column, np.ones(len(column)), level)
        for name, column in zip(names, states.T, strict=False)
    ]
    return family((chi_square("nees of parameters", squared, freedom, level), *each), level)


def _of_simulated(
    seen: Sequence[Watched], cohorts: Sequence[Sequence[Decision]], rng: np.random.Generator, resamples: int
) -> dict[str, Quantity]:
    n, states = len(seen), np.array([w.states for w in seen]) ** 2
    nis = _ratio(seen, rng, resamples)
    pairs = {
        "state": (np.nansum(states, axis=1), np.isfinite(states).sum(axis=1).astype(float)),
        "parameter": tuple(np.array([w.parameters[i] for w in seen], dtype=float) for i in (0, 1)),
    }
    values = {
        "simulated_patients": Quantity(float(n), "1"),
        "simulated_nis": quantity(*nis, "1", n=n, kind="numerical"),
    }
    values["simulated_innovation_factor"] = _root(*nis, n)
    for name, (above, below) in pairs.items():
        if below.sum() > 0 and np.isfinite(above.sum()):
            values[f"simulated_{name}_factor"] = _root(*ratio_bootstrap(above, below, rng, resamples), n)
    values |= _correlation("simulated_correlation", seen)
    rejected = sum(any(d.consistent is False for d in copy) for copy in cohorts)
    share, of = rejected / len(cohorts), len(cohorts)
    (low, high), (lower, upper) = share_bounds(rejected, of), share_bounds(rejected, of, 0.9)
    ends = (100.0 * low, 100.0 * high, 0.95, 100.0 * lower, 100.0 * upper)
    values["simulated_rejected"] = Quantity(100.0 * share, "%", *ends, "numerical", of)
    return values


def _of_real(
    seen: Sequence[Watched], decisions: Sequence[Decision], rng: np.random.Generator, resamples: int
) -> dict[str, Quantity]:
    n, nis = len(seen), _ratio(seen, rng, resamples)
    count = sum(int(np.isfinite(w.nis).sum()) for w in seen)
    values = {
        "n_patients": Quantity(float(n), "1"),
        "n_measurements": Quantity(float(count), "1"),
        "nis": quantity(*nis, "1", n=n),
        "spread_factor": quantity(nis[0] ** 0.5, np.sqrt(nis[1]), "1", n=n),
    }
    values |= _correlation("correlation", seen)
    told = [d for d in decisions if d.consistent is not None]
    values |= {f"p_{d.test}": Quantity(d.p_value, "1", n=n) for d in told}
    values["n_rejected"] = Quantity(float(sum(not d.consistent for d in told)), "1", n=n)
    return values


def _ratio(seen: Sequence[Watched], rng: np.random.Generator, resamples: int) -> tuple[float, Floats]:
    """Mean NIS per degree of freedom, and of patients drawn with replacement."""
    above = np.array([np.nansum(w.nis) for w in seen])
    below = np.array([w.degrees.sum() for w in seen])
    kept = below > 0
    return ratio_bootstrap(above[kept], below[kept], rng, resamples)


def _root(value: float, replicates: Floats, n: int) -> Quantity:
    return quantity(value**0.5, np.sqrt(replicates), "1", n=n, kind="numerical")


def _correlation(name: str, seen: Sequence[Watched]) -> dict[str, Quantity]:
    """Of successive innovations, without an interval: whiteness is the test of it."""
    at = neighbours([w.innovations for w in seen], 1)
    return {name: Quantity(float(autocorrelations(at.joined, at)[0]), "1", n=at.pairs)} if at.pairs else {}


def _failed(simulated: Sequence[Watched], real: Sequence[Watched] | None) -> dict[str, Quantity]:
    return {"failed_steps": Quantity(float(sum(w.failed for w in (*simulated, *(real or ())))), "1")}


def _power(could: Sequence[Detectable]) -> dict[str, Quantity]:
    words = {"overconfident": "overconfidence", "underconfident": "underconfidence", "correlated": "correlation"}
    best: dict[str, Detectable] = {}
    for d in could:
        if np.isfinite(d.size) and (d.departure not in best or d.size < best[d.departure].size):
            best[d.departure] = d
    return {f"detectable_{words[key]}": Quantity(d.size, "1", n=d.n) for key, d in best.items()}


def _decisions(who: str, decisions: Sequence[Decision], cohorts: Sequence[Sequence[Decision]] | None = None) -> Table:
    """The decisions; with cohorts, also the central 95 % of each statistic in them (from LEAST_COHORTS on)."""
    rows = []
    for d in decisions:
        same = [c.statistic for copy in cohorts or () for c in copy if c.test == d.test and np.isfinite(c.statistic)]
        usual = np.quantile(same, [0.025, 0.975]) if len(same) >= LEAST_COHORTS else (None, None)
        said = "not tested" if d.consistent is None else "consistent" if d.consistent else f"rejected: {d.fault}"
        numbers = (d.statistic, d.low, d.high, *(() if cohorts is None else usual), d.p_value)
        cells = (None if v is None or not np.isfinite(v) else float(v) for v in numbers)
        rows.append((d.test.replace("_", " "), *cells, d.n, said, d.reason))
    usually = () if cohorts is None else ("usual_low", "usual_high")
    columns = ("test", "statistic", "bound_low", "bound_high", *usually, "adjusted_p", "n", "decision", "reason")
    units = ("", *("1" for _ in columns[1:-2]), "", "")
    title = f"Tests on {who} (p adjusted for their number; bounds are those of each test alone)"
    return Table(title, columns, units, tuple(rows))


def _by_history(simulated: Sequence[Watched], real: Sequence[Watched] | None) -> Table:
    """Mean NIS by how many samples of the patient came before, with the bounds that chance allows."""
    rows: list[tuple[Cell, ...]] = []
    for part, seen in (("simulated", simulated), ("build", real or ())):
        for label, start, end in GROUPS:
            nis = np.concatenate([np.empty(0), *(w.nis[start:end] for w in seen)])
            freedom = int(np.concatenate([np.empty(0), *(w.degrees[start:end] for w in seen)]).sum())
            if freedom:
                mean = float(np.nansum(nis)) / freedom
                rows.append((part, label, freedom, mean, *chi_square_bounds(freedom)))
    columns = ("patients_of", "earlier_samples", "n", "nis", "bound_low", "bound_high")
    return Table("Squared innovations over what the filter expects (NIS), by earlier samples", columns,
                 ("", "1", "1", "1", "1", "1"), tuple(rows))  # fmt: skip


def _pits(simulated: Sequence[Watched], real: Sequence[Watched] | None) -> Table:
    """The PIT histogram of both, with the central 95 % of what an even spread gives in each bin."""
    edges, rows = np.linspace(0.0, 1.0, BINS + 1), []
    for part, seen in (("simulated", simulated), ("build", real or ())):
        pit = np.concatenate([np.empty(0), *(w.pit for w in seen)])
        pit = pit[np.isfinite(pit)]
        if not pit.size:
            continue
        low, high = (100.0 * float(binom.ppf(p, pit.size, 1.0 / BINS)) / pit.size for p in (0.025, 0.975))
        counts, _ = np.histogram(pit, edges)
        for a, b, count in zip(edges[:-1], edges[1:], counts, strict=True):
            share = 100.0 * float(count) / pit.size
            rows.append((part, round(float(a), 3), round(float(b), 3), int(count), share, low, high))
    columns = ("patients_of", "pit_from", "pit_to", "count", "share", "bound_low", "bound_high")
    return Table("Where in the forecast's distribution the measured values fell (PIT)", columns,
                 ("", "1", "1", "1", "%", "%", "%"), tuple(rows))  # fmt: skip


def _detectable(could: Sequence[Detectable]) -> Table:
    rows = tuple(
        (d.test, d.departure, float(d.size) if np.isfinite(d.size) else None, 100.0 * d.power, d.n) for d in could
    )
    title = "The smallest departure that the tests find at these numbers (SD wrong by a factor, or a correlation)"
    return Table(title, ("test", "departure", "size", "power", "n"), ("", "", "1", "%", "1"), rows)


def _untested(decisions: Sequence[Decision]) -> list[str]:
    names = {d.test.replace("_", " "): d.reason for d in decisions if d.consistent is None}
    return [f"On build patients, {name} is not tested: {reason}." for name, reason in names.items()]


def _alone(decisions: Sequence[Decision]) -> list[str]:
    """Tests that would have rejected, had they been the only one: a reader must not miss them."""
    return [
        f"On build patients, {d.test.replace('_', ' ')} would be rejected if it stood alone ({d.reason}); among "
        f"{len(decisions)} tests that is not enough."
        for d in decisions
        if d.consistent and not d.low <= d.statistic <= d.high
    ]


def _could(could: Sequence[Detectable]) -> str:
    """What would have been found, in words: a test that does not reject says no more than this."""
    found = _power(could)
    text = {
        "detectable_overconfidence": "SDs that are too small by a factor of {:.2f}",
        "detectable_underconfidence": "SDs that are too large by a factor of {:.2f}",
        "detectable_correlation": "successive innovations with a correlation of {:.2f}",
    }
    parts = [said.format(found[name].value) for name, said in text.items() if name in found]
    if not parts:
        return "With so few measurements no departure would have been found with a probability of 80 %."
    return f"With a probability of 80 % these numbers would have shown {', '.join(parts)}."


def _wrong(values: dict[str, Quantity], decisions: Sequence[Decision]) -> tuple[str, ...]:
    """A sentence for whatever speaks against the filter."""
    out = [
        f"On build patients, {d.test.replace('_', ' ')}: {d.fault}, {d.reason}."
        for d in decisions
        if d.consistent is False
    ]
    for name in FACTORS:
        factor = values.get(f"simulated_{name}_factor")
        if factor is None:
            out.append(f"On simulated patients errors of {name}s lie where the filter allows none.")
        elif not within(factor):
            sizes = f"{factor.value:.2f} times the filter's SDs ({factor.low:.2f} to {factor.high:.2f})"
            out.append(f"On simulated patients errors of {name}s are {sizes}: right within 10 % is not shown.")
    failed = values["failed_steps"].value
    if failed:
        out.append(f"The filter failed on {failed:.0f} measurements, which are left out.")
    return tuple(out)
