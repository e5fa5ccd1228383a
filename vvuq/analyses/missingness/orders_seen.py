"""What the analyses of a cohort's orders share: fits of a twin and its care process, and forecasts of the next slot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from vvuq.analyses.settings import refused
from vvuq.analyses.slotted import persons
from vvuq.assimilation.stacked import Beliefs, Stack, filter_beliefs, stack
from vvuq.calibration.orders import Decided, OrdersFit, decided, fit_orders, processes_of, weights_of
from vvuq.calibration.slots import Slots, space_of
from vvuq.calibration.state_space import first_belief, fit_state_space, system_of
from vvuq.data.missingness.care import CareProcess
from vvuq.data.missingness.links import log_expected
from vvuq.errors import near
from vvuq.methods.ensembles import crps_normal
from vvuq.methods.jackknife import ratio, t_quantity
from vvuq.models.twin import Twin
from vvuq.numerics.tilted import LOGIT, PROBIT, tilted
from vvuq.record import Cell, Floats, Quantity, Table

HALF90 = float(ndtri(0.95))
NAIVE, AWARE = "naive", "aware"
WHO = (NAIVE, AWARE)
THREADS = 2
# Sums of a person: slots, log score of orders; values, their CRPS, squared error, error, within 90 %, log score
SUMS = ("slots", "order_naive", "order_aware", "orders", "chance_naive", "chance_aware", "values") + tuple(
    f"{what}_{who}" for what in ("crps", "square", "error", "within", "log") for who in WHO
)


def process_of(twin: Twin, channel: str, setting: str) -> CareProcess:
    """How a channel comes to be measured. Raises InputError, naming the setting, for a channel without one."""
    known = processes_of(twin)
    if channel not in known:
        raise refused(setting, channel, f"a channel with a care process{near(channel, known)}")
    return known[channel]


def own_state(twin: Twin, process: CareProcess) -> str:
    """The state that the channel shows: the one whose slope tells whether orders know of what they would find."""
    place = [channel.observable for channel in space_of(twin).channels].index(process.routine.observable)
    return list(space_of(twin).levels)[place]


@dataclass(frozen=True, eq=False, slots=True)
class Fitted:
    """Both fits to the same records: orders by the record alone, and by the record and the state."""

    naive: OrdersFit
    aware: OrdersFit

    def of(self, who: str) -> OrdersFit:
        """By name."""
        return self.naive if who == NAIVE else self.aware


def fit_both(twin: Twin, records: Sequence[Slots], process: CareProcess, iterations: int) -> Fitted:
    """The twin by values alone, then orders without any effect of the state, and with it."""
    base = fit_state_space(twin, records, iterations=iterations, threads=THREADS).candidate
    data = decided(twin, records, process)
    hold = {name: 0.0 for name, _ in process.slopes}
    naive = fit_orders(twin, base, data, process, hold=hold, iterations=iterations, threads=THREADS)
    aware = fit_orders(twin, naive.candidate, data, naive.process, iterations=iterations, threads=THREADS)
    return Fitted(naive, aware)


@dataclass(frozen=True, eq=False, slots=True)
class Followed:
    """Records in one stack with the drivers of all slots (S, h), and the beliefs of a fit."""

    records: Stack
    history: Floats
    beliefs: Beliefs


def follow(twin: Twin, fit: OrdersFit, records: Sequence[Decided]) -> Followed:
    """Beliefs of all slots from values and orders; the last row is the patient's own constant. Where no slope is above
    or below 0, those of the states are from values alone."""
    data, history = stack([one.slots.values for one in records]), np.concatenate([one.history for one in records])
    system, prior, slot = system_of(twin, fit.candidate), first_belief(twin, fit.candidate), space_of(twin).slot
    added, own = (history @ weights_of(fit.process))[:, None], (fit.process.frailty,)
    found = filter_beliefs(system, prior, slot, data, (fit.process.shared,), added, own, threads=THREADS)
    return Followed(data, history, found)


@dataclass(frozen=True, eq=False, slots=True)
class Forecasts:
    """Of every slot (S,): log-probability of what was decided, probability of an order; and of the channel's value, if
    one is measured, mean and SD of its forecast, which knows that it was ordered."""

    log_order: Floats
    chance: Floats
    mean: Floats
    sd: Floats


def forecasts(twin: Twin, fit: OrdersFit, followed: Followed) -> Forecasts:
    """A slot ahead, from the slots before it."""
    process, names = fit.process, list(twin.model.states)
    channel = twin.model.observable_index(process.routine.observable)
    row, error = names.index(own_state(twin, process)), fit.candidate.noise[channel].sd
    mean, cov = followed.beliefs.ahead_mean, followed.beliefs.ahead_covariance
    slopes = np.append(np.zeros(len(names)), 1.0)
    for name, slope in process.slopes:
        slopes[names.index(name)] = slope
    z = process.routine.intercept + followed.history @ weights_of(process) + mean @ slopes
    cross = cov @ slopes
    v = cross @ slopes
    there = ~np.isnan(followed.records.values[:, channel])
    link = process.routine.link
    middle, variance = mean[:, row].copy(), cov[:, row, row] + error**2
    for s in np.flatnonzero(there & (cross[:, row] != 0.0)).tolist():  # it is known that one was ordered
        _, pull, hold = tilted(LOGIT if link == "logit" else PROBIT, 1.0, float(z[s]), float(v[s]))
        middle[s] += cross[s, row] * pull
        variance[s] -= cross[s, row] ** 2 * hold
    log_order = log_expected(link, z, v, there.astype(float))
    return Forecasts(log_order, np.exp(log_expected(link, z, v, np.ones(z.size))), middle, np.sqrt(variance))


def scores(
    twin: Twin, fitted: Fitted, records: Sequence[Slots], process: CareProcess, *, first: bool | None = None
) -> dict[str, Floats]:
    """{person: SUMS}. first: only slots before (True), or after (False), the first order of a record."""
    data = decided(twin, records, process)
    channel = twin.model.observable_index(process.routine.observable)
    courses = {who: follow(twin, fitted.of(who), data) for who in WHO}
    told = {who: forecasts(twin, fitted.of(who), courses[who]) for who in WHO}
    values, ends = courses[NAIVE].records.values[:, channel], courses[NAIVE].records.first
    there, kept = ~np.isnan(values), np.ones(values.size, dtype=bool)
    if first is not None:
        kept = np.concatenate([_before_first(there[a:b]) == first for a, b in zip(ends, ends[1:], strict=False)])
    columns = [kept, *(np.where(kept, told[who].log_order, 0.0) for who in WHO), there & kept,
               *(np.where(kept, told[who].chance, 0.0) for who in WHO), there & kept]  # fmt: skip
    at = there & kept
    each = {who: _value_scores(told[who], values) for who in WHO}
    columns += [np.where(at, each[who][what], 0.0) for what in range(5) for who in WHO]
    table = np.array(columns, dtype=float)
    out = {person: np.zeros(len(SUMS)) for person in persons(records)}
    for one, a, b in zip(records, ends, ends[1:], strict=False):
        out[one.group] += table[:, a:b].sum(axis=1)
    return out


def _before_first(there: Floats) -> Floats:
    return np.asarray(np.concatenate([[0], np.cumsum(there)[:-1]]) == 0)


def _value_scores(told: Forecasts, values: Floats) -> tuple[Floats, ...]:
    """CRPS, squared error, error, within 90 %, log score (S,); not-a-number where nothing was measured."""
    error = told.mean - values
    scaled = error / told.sd
    log_score = -0.5 * (np.log(2.0 * np.pi) + scaled**2) - np.log(told.sd)
    within = (np.abs(scaled) <= HALF90).astype(float)
    return crps_normal(told.mean, told.sd, values), error**2, error, within, log_score


def metrics(twin: Twin, channel: str) -> dict[str, str]:
    """Every value of a comparison, with its unit."""
    unit = twin.model.observables[twin.model.observable_index(channel)].unit
    out = {"n_persons": "1", "n_slots": "1", "n_orders": "1", "order_gain": "1", "crps_gain": unit, "value_gain": "1",
           "order_log_score_rate": "1", "share_ordered": "%"}  # fmt: skip
    for who in WHO:
        out |= {f"order_log_score_{who}": "1", f"share_expected_{who}": "%", f"crps_{who}": unit, f"rmse_{who}": unit,
                f"bias_{who}": unit, f"coverage90_{who}": "%", f"value_log_score_{who}": "1"}  # fmt: skip
    return out


def quantities(twin: Twin, channel: str, sums: Floats) -> dict[str, Quantity]:
    """From the persons' SUMS (n, k), with 95 % intervals over persons."""
    unit, column = metrics(twin, channel), {name: sums[:, i] for i, name in enumerate(SUMS)}
    n, slots, values = len(sums), column["slots"], column["values"]
    with_values = values > 0.0

    def share(name: str, above: Floats, below: Floats, scale: float = 1.0) -> Quantity:
        value, error = ratio(above[:, None], below[:, None])
        return t_quantity(scale * float(value[0]), scale * float(error[0]), unit[name], len(above))

    rate = column["orders"].sum() / slots.sum()
    flat = rate * np.log(rate) + (1.0 - rate) * np.log1p(-rate)
    out = {
        "n_persons": Quantity(float(n), "1"),
        "n_slots": Quantity(float(slots.sum()), "1"),
        "n_orders": Quantity(float(column["orders"].sum()), "1"),
        "order_log_score_rate": Quantity(float(flat), "1"),
        "share_ordered": share("share_ordered", column["orders"], slots, 100.0),
        "order_gain": share("order_gain", column["order_aware"] - column["order_naive"], slots),
    }
    some, count = {name: part[with_values] for name, part in column.items()}, values[with_values]
    out["crps_gain"] = share("crps_gain", some["crps_naive"] - some["crps_aware"], count)
    out["value_gain"] = share("value_gain", some["log_aware"] - some["log_naive"], count)
    for who in WHO:
        out[f"order_log_score_{who}"] = share(f"order_log_score_{who}", column[f"order_{who}"], slots)
        out[f"share_expected_{who}"] = share(f"share_expected_{who}", column[f"chance_{who}"], slots, 100.0)
        out[f"crps_{who}"] = share(f"crps_{who}", some[f"crps_{who}"], count)
        out[f"bias_{who}"] = share(f"bias_{who}", some[f"error_{who}"], count)
        out[f"coverage90_{who}"] = share(f"coverage90_{who}", some[f"within_{who}"], count, 100.0)
        out[f"value_log_score_{who}"] = share(f"value_log_score_{who}", some[f"log_{who}"], count)
        square = share(f"rmse_{who}", some[f"square_{who}"], count)
        out[f"rmse_{who}"] = rooted(square)
    return out


def rooted(q: Quantity) -> Quantity:
    """The root of a mean square, with the roots of its interval's ends."""
    ends = (None if v is None else float(np.sqrt(max(v, 0.0))) for v in (q.low, q.high, q.lower95, q.upper95))
    low, high, lower, upper = ends
    return replace(q, value=float(np.sqrt(q.value)), low=low, high=high, lower95=lower, upper95=upper)


def comparison_table(values: Mapping[str, Quantity], unit: str) -> Table:
    """Naive and aware beside each other, with the gain and its interval."""
    rows: list[tuple[Cell, ...]] = []
    told = (
        ("log score of whether it was ordered", "1", "order_log_score", "order_gain"),
        ("expected share of slots with an order", "%", "share_expected", None),
        ("CRPS of the next value", unit, "crps", "crps_gain"),
        ("root mean square error of the next value", unit, "rmse", None),
        ("mean error of the next value", unit, "bias", None),
        ("values within 90 % of the forecast", "%", "coverage90", None),
        ("log score of the next value", "1", "value_log_score", "value_gain"),
    )
    for what, of, stem, gain in told:
        q = values[gain] if gain else None
        ends = (q.value, q.low, q.high) if q else (None, None, None)
        rows.append((what, of, values[f"{stem}_{NAIVE}"].value, values[f"{stem}_{AWARE}"].value, *ends))
    columns = ("what", "unit", "naive", "aware", "gain", "low", "high")
    title = (
        "The next slot by a twin that is deaf to orders, and by one that is aware of them (95 % intervals over persons)"
    )
    return Table(title, columns, ("",) * 7, tuple(rows))


def fit_table(fitted: Fitted) -> Table:
    """What both fits found, with standard errors by persons' scores."""
    rows: list[tuple[Cell, ...]] = []
    naive = dict(zip(fitted.naive.names, zip(fitted.naive.values, fitted.naive.errors, strict=True), strict=True))
    for name, value, error in zip(fitted.aware.names, fitted.aware.values, fitted.aware.errors, strict=True):
        other = [None if not np.isfinite(v) else float(v) for v in naive.get(name, (np.nan, np.nan))]
        rows.append((name, *other, float(value), float(error) if np.isfinite(error) else None))
    columns = ("number", "naive", "naive_error", "aware", "aware_error")
    title = "How the channel comes to be measured: by the record alone, and by the record and the state"
    return Table(title, columns, ("",) * 5, tuple(rows))


def above(mean: Floats, variance: Floats, threshold: float) -> Floats:
    """The probability that a normal state lies above a threshold."""
    return np.asarray(ndtr((mean - threshold) / np.sqrt(np.maximum(variance, 1e-300))))
