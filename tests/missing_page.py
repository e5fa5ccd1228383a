"""The measured tables of docs/missingness.md: who is biased where what is measured depends on the state, and who not.

`python tests/missing_page.py [PART ...] [--steps N] [--particle-steps N]` prints them; PART: state, value, visits,
ward. A million steps each take about a minute, and ten minutes by particles, at half a millisecond a step."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import ou
import visits
from home import structures

from vvuq.analyses.missingness import misuse, recovery
from vvuq.analyses.missingness.recovered import ignorable, informative, tried, values_of
from vvuq.assimilation.aware import Aware
from vvuq.assimilation.ukf import Unscented

BURN_IN, LENGTH, PARTICLES = 50, 2000, 500
MEMBERS = (50, 200)
HEAD = "| Filter | Steps | Bias | RMSE | of the exact one's | Coverage of 95 % |\n| --- | --- | --- | --- | --- | --- |"

PATIENTS = 200
WARD_HEAD = (
    "| Sticks depend on | Filter | Mean error, mg/dL | RMSE, mg/dL | Coverage of 95 %, % |\n"
    "| --- | --- | --- | --- | --- |"
)


@dataclass(frozen=True)
class Line:
    """A filter's figures beside those of the exact one on the same chains."""

    name: str
    steps: int
    found: ou.Figures
    exact: ou.Figures

    def __str__(self) -> str:
        one, share = self.found, self.found.rmse / self.exact.rmse
        return f"| {self.name} | {self.steps:,} | {one.bias:+.3f} | {one.rmse:.4f} | {share:.3f} | {one.coverage:.4f} |"


def chains_of(kind: str, steps: int) -> ou.Chains:
    """As many chains of LENGTH cycles after the burn-in as there are steps."""
    return ou.simulated(kind, max(steps // LENGTH, 1), LENGTH + BURN_IN)


def first(chains: ou.Chains, count: int) -> ou.Chains:
    """The first chains."""
    return ou.Chains(chains.states[:count], chains.values[:count], chains.measured[:count])


def selected(kind: str, steps: int, particle_steps: int) -> Iterator[Line]:
    """What is measured depends on the state, or on the value itself."""
    chains = chains_of(kind, steps)
    count, grid = chains.states.shape[0], ou.grid_filter(kind, chains)
    exact = ou.figures(chains.states, *grid, BURN_IN)
    yield Line("exact, on a grid", count * LENGTH, exact, exact)
    aware = Aware(Unscented(), (ou.MECHANISMS[kind],))
    for name, method in (("naive", Unscented()), ("aware", aware)):
        found = ou.normal_figures(chains, ou.shown_to(kind, method, chains), BURN_IN)
        yield Line(f"{name} (Kalman, unscented)", count * LENGTH, found, exact)
    for n in MEMBERS:
        found = ou.normal_figures(chains, ou.by_members(kind, n, chains), BURN_IN)
        yield Line(f"aware serial EAKF, {n} members", count * LENGTH, found, exact)
    few = min(max(particle_steps // LENGTH, 1), count)
    part, same = first(chains, few), ou.figures(chains.states[:few], *(one[:few] for one in grid), BURN_IN)
    found = ou.figures(part.states, *ou.by_particles(kind, PARTICLES, part), BURN_IN)
    yield Line(f"aware particle filter, {PARTICLES}", few * LENGTH, found, same)


def visited(steps: int) -> Iterator[Line]:
    """Times of measurement depend on the state; the first 500 cycles of each chain are left out."""
    count = max(steps // LENGTH, 1)
    found = visits.compared(count, visits.DT * (LENGTH + 500))
    names = {"exact": "exact, on a grid", "naive": "naive (unscented)", "aware": "aware (unscented)"}
    for name, one in found.items():
        yield Line(names[name], count * LENGTH, one, found["exact"])


def table(part: str, steps: int, particle_steps: int) -> Iterator[str]:
    """Line by line."""
    yield HEAD
    yield from map(str, visited(steps) if part == "visits" else selected(part, steps, particle_steps))


def ward() -> Iterator[str]:
    """Patients of the glucose twin on a ward (twins/glucose/ward.py) by filters that are right or wrong of orders."""
    of = structures()["glucose"].ordered["ward"]()
    yield WARD_HEAD
    for mechanisms, arms in ((informative(of), recovery.ARMS), (ignorable(of), misuse.ARMS)):
        found = tried(of, mechanisms, arms, PATIENTS, seed=1)
        values = values_of(found)
        assert values["n_failed"].value == 0.0
        for one in found.arms:
            bias, rmse, coverage = (values[f"{what}_{one.why}_{one.name}"] for what in ("bias", "rmse", "coverage"))
            cells = one.why.replace("_", " "), one.name, f"{bias.value:+.1f} ({bias.low:+.1f} to {bias.high:+.1f})"
            yield f"| {' | '.join(cells)} | {rmse.value:.1f} | {coverage.value:.1f} |"


def said(line: str) -> None:
    """At once: particles take long."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Prints the tables that are asked for, line by line as they are found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["state", "value", "visits", "ward"], metavar="PART")
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--particle-steps", type=int, default=200_000)
    options = parser.parse_args()
    for part in options.parts:
        said(f"\n{part}\n")
        for line in ward() if part == "ward" else table(part, options.steps, options.particle_steps):
            said(line)


if __name__ == "__main__":
    main()
