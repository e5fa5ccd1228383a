"""What it costs a filter to learn from whether something was measured: aware against deaf, CPU seconds of a step.

Half of the values are missing. A ratio is the deaf filter's time by the aware one's: 0.83 stands for an overhead of
20 %, the goal. Before it is timed, the filter with slopes of 0 is held against the deaf one. Beside it: records in
slots, all in one call against one call of the unscented filter for each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from _harness import Row, agreed, compare, flop_rate, main, race
from _missingness import Run, Work, five, flat, glucose, stepped, whole, wide, with_gaps

from vvuq import __version__
from vvuq.assimilation.aware import Aware, Mechanism
from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.enkf import PerturbedObservations
from vvuq.assimilation.method import Method
from vvuq.assimilation.particle import Bootstrap
from vvuq.assimilation.stacked import log_likelihoods, stack
from vvuq.assimilation.system import Observations
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import filter_record, walk_of
from vvuq.calibration.state_space import declared, first_belief, system_of
from vvuq.data.missingness.shared import SharedParameter
from vvuq.models import Schedule
from vvuq.models.twin import load_twin
from vvuq.paths import shipped

GOAL = 1.0 / 1.2
SAME = 1e-12  # of a belief that facts leave alone
ROUNDS = 21  # of so small a difference
FILTERS: dict[str, Method] = {
    "UKF": Unscented(),
    "serial EAKF, N 50": Eakf(50),
    "EnKF, N 50": PerturbedObservations(50),
    "particle filter, N 500": Bootstrap(500),
}


def rows(quick: bool) -> list[Row]:
    """Whole records, single steps, a thousand variables, and a cohort in slots."""
    small, day = five(50 if quick else 1000), glucose(1.0 if quick else 5.0)
    found = [_record(work, name) for work in (small, day) for name in work.mechanisms]
    cycles = 5 if quick else 20
    found += [
        _steps(work, name, of, cycles)
        for work in (small, day)
        for name in FILTERS
        for of in ("state, probit", "state, logit", "value, probit")
    ]
    found += [_wide(200 if quick else 1000, 50 if quick else 200, share) for share in (0.1, 1.0)]
    return [*found, *_cohort(40 if quick else 400)]


def _overhead(label: str, aware: Run, deaf: Run, still: Run, steps: int, flops: float) -> Row:
    """Seconds a step of the aware and the deaf filter; still: the aware one with slopes of 0."""
    agreement = agreed(label, still(), deaf(), SAME)
    a, b = (time / steps for time in race([aware, deaf], ROUNDS))
    return Row(f"{label}, a step", "deaf", __version__, a, b, b / a, flops / flop_rate(), agreement, GOAL)


def _record(work: Work, name: str) -> Row:
    one, plain = work.mechanisms[name], Unscented()
    methods = Aware(plain, (one,)), plain, Aware(plain, (flat(one),))
    aware, deaf, still = (whole(work, each) for each in methods)
    label = f"UKF, whole record, {work.label}, by {name}"
    return _overhead(label, aware, deaf, still, len(work.observations), work.unscented_flops)


def _steps(work: Work, name: str, of: str, cycles: int) -> Row:
    method, one = FILTERS[name], work.mechanisms[of]
    methods = Aware(method, (one,)), method, Aware(method, (flat(one),))
    aware, deaf, still = (stepped(work, each, cycles) for each in methods)
    members = getattr(method, "members", 0)
    flops = members * work.run_flops or work.unscented_flops
    return _overhead(f"{name}, by steps, {work.label}, by {of}", aware, deaf, still, cycles, flops)


def _wide(n: int, members: int, share: float) -> Row:
    """Serial, localized; a share of the channels has a mechanism."""
    work, near = wide(n, round(share * n / 2))
    method = Eakf(members, localization=near)
    some: tuple[Mechanism, ...] = tuple(work.mechanisms.values())
    methods = Aware(method, some), method, Aware(method, tuple(flat(one) for one in some))
    aware, deaf, still = (stepped(work, each, 2) for each in methods)
    label = f"serial EAKF, localized, N {members}, {work.label}, {len(some)} mechanisms of {n // 2} channels"
    return _overhead(label, aware, deaf, still, 2, members * work.run_flops)


def _cohort(patients: int, slots: int = 48) -> list[Row]:
    """The twin of intensive care: every patient's log-likelihood, deaf and aware of orders of one channel."""
    twin = load_twin(shipped("twins") / "icu_vitals")
    system, prior = system_of(twin, declared(twin)), replace(first_belief(twin, declared(twin)), time=0.0)
    d, q, times = system.size, len(system.noise), np.arange(slots, dtype=float)
    noise = np.random.default_rng(3).standard_normal((patients, slots, q))
    values = with_gaps(prior.mean[:q] + noise * np.sqrt(np.diag(prior.root @ prior.root.T))[:q])
    ordered = SharedParameter(system.channels[0], -1.0, ((system.names[0], 0.8),))
    records, walk = stack(list(values)), walk_of(system, Schedule(), np.append(0.0, times))
    found = []
    for how, mechanisms in (("deaf", ()), ("aware", (ordered,))):
        method = Aware(Unscented(), mechanisms) if mechanisms else Unscented()
        label = f"log-likelihood of {patients} patients, {slots} slots, {d} states, {how}"

        def alone(method: Unscented | Aware = method) -> np.ndarray:
            seen = (Observations(times, one) for one in values)
            each = (filter_record(method, system, Schedule(), prior, one, walk=walk) for one in seen)
            return np.array([one.log_likelihood.sum() for one in each])

        ours = partial(log_likelihoods, system, prior, 1.0, records, mechanisms)
        flops = patients * slots * (4.0 * d**3 + 2.0 * q * d * d)
        peer = "one record a call", __version__
        found.append(compare(label, peer, ours, alone, flops=flops, tolerance=1e-9))
    return found


if __name__ == "__main__":
    main(rows)
