"""The hybrid is the core where its weights are 0, its gradient is exact, and it learns a misfit that is known."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from complex_step import by_complex_step
from home import record, structures

from vvuq.calibration.tracking import declared
from vvuq.interaction.corrected import Corrected
from vvuq.interaction.forecaster import eligible, truths
from vvuq.interaction.inside import correction, inside
from vvuq.interaction.patient import assimilate
from vvuq.interaction.personal import FittedPersonal
from vvuq.models import RK4, Adaptive, Bolus, Infusion, Level, Model, Schedule, simulate
from vvuq.numerics.streams import Draws
from vvuq.record import Dose

TWIN = structures()["glucose"]
PACKAGE = TWIN.model.rhs.__module__.rpartition(".")[0]
hybrid, training = (import_module(f"{PACKAGE}.{name}") for name in ("hybrid", "training"))
CORE, MODEL = TWIN.model, hybrid.HYBRID_MODEL
MEDIANS = np.array([p.prior.quantile(0.5) for p in CORE.parameters])
NAMES = hybrid.weight_names()
START = training.start_from(np.random.default_rng(4).normal(size=56))


def teacher():
    """Weights that make glucose rise at night and absorb meals faster than the core does."""
    weights = dict.fromkeys(NAMES, 0.0)
    weights |= {"w15": -1.5, "s1": 0.15, "w24": 0.8, "w20": -0.5, "s2": 0.2, "s0": 0.1}
    return np.array(list(weights.values()))


def stay(number, count=24):
    """Windows of one patient over a day, each begun by a state of its own."""
    draws = np.random.default_rng(number)
    meals = [420.0, 760.0, 1140.0]
    plan = Schedule(
        0.0,
        tuple(Bolus(at + 8.0, "Isc1", 5000.0) for at in meals),
        (Infusion(0.0, 2000.0, "basal", 12.0), *(Infusion(at, at + 12.0, "carbohydrate", 5000.0) for at in meals)),
        (Level(0.0, "weight", 70.0),),
    )
    starts = np.sort(draws.choice(np.arange(15.0, 1440.0, 15.0), count, replace=False))
    x0 = simulate(CORE, plan, MEDIANS, starts, method=RK4(5.0), x0=steady(plan)).states[:, :, 0].T.copy()
    for name in ("G", "IG"):
        x0[CORE.state_index(name)] = draws.uniform(60.0, 250.0, count)
    return [plan] * count, starts, x0


def steady(plan):
    return import_module(f"{PACKAGE}.freeliving").steady_start(plan, MEDIANS, 120.0)


def lesson(weights, number=1, count=24):
    """Windows in which the sensor shows what the hybrid with these weights says."""
    schedules, starts, x0 = stay(number, count)
    core, unseen = np.repeat(MEDIANS[:, None], count, axis=1), np.full((12, count), np.nan)
    blank = training.windows(MODEL, schedules, starts, core, x0, unseen)
    theta = np.concatenate([core, np.repeat(weights[:, None], count, axis=1)])
    return replace(blank, seen=training.go(blank.over, theta, x0).states[:, 0])


def test_with_weights_of_zero_it_is_the_core():
    (plan, *_), _, x0 = stay(3)
    theta, method = np.concatenate([MEDIANS, np.zeros(hybrid.WEIGHTS)]), Adaptive(1e-10, 1e-10)
    timed, at = hybrid.with_time_of_day(plan, 1600.0), np.linspace(0.0, 1500.0, 40)
    found = simulate(MODEL, timed, theta, at, method=method, x0=x0[:, 0])
    own = simulate(CORE, plan, MEDIANS, at, method=method, x0=x0[:, 0])
    np.testing.assert_allclose(found.states, own.states, rtol=1e-6, atol=1e-6)
    assert len(NAMES) == len(set(NAMES)) == hybrid.WEIGHTS == 65


def test_the_time_of_day_is_that_of_the_clock():
    plan = hybrid.with_time_of_day(Schedule(100.0), 400.0)
    sines = {level.time: level.value for level in plan.levels if level.input == "day_sine"}
    assert sorted(sines) == [100.0, 120.0, 180.0, 240.0, 300.0, 360.0]
    assert sines[300.0] == pytest.approx(np.sin(2 * np.pi * 5.5 / 24))


def test_the_gradient_is_that_of_the_complex_step():
    weights, count = teacher() + 0.1 * np.random.default_rng(0).normal(size=65), 5
    data, some = lesson(teacher(), count=count), ("w10", "w15", "w86", "s0", "s3")
    seen = data.seen.copy()
    seen[2:5, 1] = np.nan
    loss, slopes = training.loss_and_gradient(replace(data, seen=seen), weights, 0.01)
    schedules, starts, x0 = stay(1, count)
    total, gradient = 0.0, np.zeros(len(some))
    for i, (plan, start) in enumerate(zip(schedules, starts.tolist(), strict=True)):
        timed = hybrid.with_time_of_day(plan, start + 180.0)
        boluses = tuple(b for b in timed.boluses if b.time >= start)
        flows = tuple(replace(f, start=max(f.start, start)) for f in timed.infusions if f.stop > start)
        timed, at = replace(timed, start=start, boluses=boluses, infusions=flows), start + 15.0 * np.arange(1.0, 13.0)
        y, by = by_complex_step(MODEL, timed, [*MEDIANS, *weights], some, at, 5.0, list(x0[:, i]))
        error = (y[:, 0] - seen[:, i]) / training.SCALE
        total += np.nansum(error**2)
        gradient += np.nansum(error[:, None] * by[:, 0], axis=0) / training.SCALE
    known = np.isfinite(seen).sum()
    places = [NAMES.index(name) for name in some]
    assert loss == pytest.approx(0.5 * total / known + 0.005 * weights @ weights, rel=1e-12)
    np.testing.assert_allclose(slopes[places], gradient / known + 0.01 * weights[places], rtol=1e-10, atol=1e-14)


def test_it_learns_a_misfit_that_is_known():
    data, other = lesson(teacher(), 1, 48), lesson(teacher(), 2, 24)
    found = training.train(data, START, decay=1e-7, iterations=60)
    assert found.after < 0.02 * found.before
    before, _ = training.loss_and_gradient(other, np.zeros(65), 0.0)
    after, _ = training.loss_and_gradient(other, found.weights, 0.0)
    assert after < 0.05 * before  # stretches that it has not seen
    again = training.train(data, START, decay=1e-7, iterations=60)
    np.testing.assert_array_equal(found.weights, again.weights)


def test_decay_keeps_weights_small_and_an_exact_core_leaves_nothing_to_learn():
    exact = training.train(lesson(np.zeros(65)), START, decay=1e-3, iterations=30)
    assert exact.before == pytest.approx(0.0, abs=1e-20) and np.abs(exact.weights[-9:]).max() < 1e-3
    loose, tight = (
        training.train(lesson(teacher()), START, decay=decay, iterations=30).weights for decay in (1e-6, 1e-1)
    )
    assert np.linalg.norm(tight) < 0.5 * np.linalg.norm(loose)


def wrong_rhs(t, x, u, theta, dx):
    """A scaffold that is deliberately wrong: glucose rises with the effect of insulin."""
    right_rhs(t, x, u, theta, dx)
    dx[7] = dx[7] + 2 * x[6] * x[7]


right_rhs = CORE.rhs


def test_the_core_may_be_another_one():
    wrong = replace(CORE, name="wrong_sign", rhs=wrong_rhs)
    model = hybrid.hybrid_model(wrong)
    assert isinstance(model, Model) and model.name == "wrong_sign_hybrid"
    draws = np.random.default_rng(5)
    x, u = draws.uniform(50.0, 150.0, len(CORE.states)), (1.0, 2.0, 3.0, 4.0, 5.0, 70.0)
    own, found, learned = ([0.0] * x.size for _ in range(3))
    wrong.rhs(0.0, tuple(x), u, tuple(MEDIANS), own)
    model.rhs(0.0, tuple(x), (*u, 0.5, 0.5), (*MEDIANS, *np.zeros(65)), found)
    model.rhs(0.0, tuple(x), (*u, 0.5, 0.5), (*MEDIANS, *teacher()), learned)
    assert found == pytest.approx(own)
    changed = np.flatnonzero(np.array(learned) != np.array(found))
    assert changed.tolist() == [CORE.state_index("G")]


def at_home():
    """A patient over three days whose glucose has a rhythm that no model here knows."""
    meals = [Dose(float(at), 40.0, what="carbohydrate") for at in range(300, 4000, 400)]
    basal = [Dose(float(at), 20.0, what="long_insulin") for at in (30, 1470, 2910)]
    cohort = record(*meals, *basal, times=tuple(np.arange(0.0, 4000.0, 15.0)))
    (patient,) = cohort.patients
    swing = tuple(replace(m, value=140.0 + 40.0 * np.sin(2 * np.pi * m.time / 1440.0)) for m in patient.measurements)
    return replace(cohort, patients=(replace(patient, measurements=swing),))


def test_windows_of_a_record_begin_with_what_the_filter_believes_and_know_nothing_later():
    cohort, known = at_home(), declared(TWIN)
    data = training.of_cohort(TWIN, known, cohort, MODEL, every=180.0)
    (patient,) = cohort.patients
    follow, at = assimilate(TWIN, known, cohort, patient), eligible(patient, stride=180.0)
    n = len(CORE.states)
    assert data.over.count == at.size > 10
    for i, origin in enumerate(at):
        mean = follow.belief(origin).mean
        np.testing.assert_array_equal(data.x0[:, i], mean[:n])
        np.testing.assert_allclose(data.core[CORE.parameter_index("SI"), i], np.exp(mean[n]))
    np.testing.assert_array_equal(data.seen, truths(patient, at).T)
    food = data.over.u[..., CORE.input_index("carbohydrate"), :]
    eating = [origin <= d.time + 8.0 and d.time <= origin for origin in at for d in patient.doses if d.amount == 40.0]
    assert (food.max() > 0.0) == any(eating)  # a meal that begins later is not known


def test_as_a_forecaster_it_sees_no_future_and_says_what_it_is():
    brief = training.learner(every=180.0, iterations=2)
    fast = Corrected(Quick(TWIN), training.learner(every=180.0, iterations=5), brief)
    cohort = at_home()
    fitted = fast.fit(cohort, Draws(1, "fit"))
    (patient,) = cohort.patients
    origins = eligible(patient, stride=600.0)[:3]
    found = fitted.paths(cohort, patient, origins, 8, Draws(1, "paths"))
    assert found.shape == (3, 12, 8) and np.isfinite(found).all() and fast.kind == "hybrid"
    assert fitted.learned == NAMES and inside(fitted).weights.any()
    later = tuple(m for m in patient.measurements if m.time <= origins[0])
    known = replace(patient, measurements=later, doses=tuple(d for d in patient.doses if d.time <= origins[0]))
    alone = replace(cohort, patients=(known,))
    np.testing.assert_allclose(fitted.paths(alone, known, origins[:1], 8, Draws(1, "paths")), found[:1], rtol=1e-9)
    assert fast.short().learn is brief


def test_what_it_learned_is_told_apart_from_its_core():
    cohort = at_home()
    (patient,) = cohort.patients
    twin = hybrid.hybrid_twin(TWIN)
    known = replace(declared(TWIN), theta=np.concatenate([MEDIANS, teacher()]))
    fit = FittedPersonal(twin, known, cohort.units, NAMES)
    found = correction(fit, cohort, patient)
    (course,), (G, *_) = assimilate(twin, known, cohort, patient).courses, [CORE.state_index("G")]
    assert found.units[G] == ("G", "mg/dL/min") and np.flatnonzero(found.added.any(axis=1)).tolist() == [G]
    np.testing.assert_array_equal(found.times, course.times)
    np.testing.assert_array_equal(found.seen, [m.value for m in patient.measurements])
    p = {q.name: float(v) for q, v in zip(CORE.parameters, MEDIANS, strict=True)}
    for k in (3, 77, 200):
        x, time = dict(zip(CORE.states, course.mean[k], strict=False)), course.times[k]
        SI, Gb, _ = np.exp(course.mean[k, len(CORE.states) :])
        angle = 2.0 * np.pi * (np.ceil(time / 60.0) - 0.5) / 24.0  # of the hour that ends at the reading
        insulin, food = SI * x["Ip"] / (p["VI"] * 70.0 * p["SG"]), p["kabs"] * x["Qgut"] / (p["VG"] * 70.0)
        z = (x["G"] / Gb - 1.0, x["X"] / p["SG"], insulin, food / (p["SG"] * Gb), np.sin(angle), np.cos(angle))
        added = p["SG"] * Gb * hybrid.network(z, teacher())
        assert found.added[G, k] == pytest.approx(added, rel=1e-9) and abs(added) > 1e-3
    told = inside(fit)
    np.testing.assert_array_equal(told.weights, teacher())
    assert {n.name: n.unit for n in told.numbers if n.name in ("SI", "drift_SI", "error_cgm")} == {
        "SI": "L/mIU/min", "drift_SI": "1/min^0.5", "error_cgm": "mg/dL"
    }  # fmt: skip
    assert correction(FittedPersonal(TWIN, declared(TWIN), cohort.units), cohort, patient) is None


class Quick:
    """A core that takes the declared population for the fitted one."""

    def __init__(self, twin):
        self.twin = twin

    def fit(self, cohort, draws):
        return FittedPersonal(self.twin, declared(self.twin), cohort.units)

    def short(self):
        return self
