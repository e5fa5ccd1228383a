"""The run: resumes, skips what is fresh, keeps failures, seals held-out patients, gives each analysis its chance."""

import dataclasses
import logging
import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from plans import plan_data, write_plan
from strategies import synthetic_neonates

from vvuq.calibration.foce import fit_population
from vvuq.credibility.lock import lock
from vvuq.credibility.plan import load_plan
from vvuq.data.cards import HeldOutRule
from vvuq.data.split import split
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.evidence.store import Store
from vvuq.models.twin import load_twin
from vvuq.record import Analysis, Check, Cohort, Evidence, Finding, Patient, Quantity
from vvuq.run import RunContext, Step, Study, log_path, run_study
from vvuq.run.context import who
from vvuq.run.execute import complaints, exit_code
from vvuq.run.report import assess
from vvuq.run.verification import verify_study

TWIN = Path(__file__).parents[1] / "twins" / "pk"
PATIENTS = tuple(Patient(str(i), (), (), ()) for i in range(5))
BUILD, SEALED = Cohort("toy (build)", PATIENTS[:3], (), "b" * 64), Cohort("toy (held out)", PATIENTS[3:], (), "c" * 64)


def found(name, value, context=None, **changes):
    return Evidence("q", name, 1, "toytwin", {}, name, {"deviation": Quantity(value, "1", n=3)}, **changes)


def order(twin, context, *, n=1):
    return found("order", 0.01 * n + 0 * float(context.stream("draw").random()))


def sealed(twin, context):
    cohort = context.open_sealed("to test")
    return found("sealed", float(len(cohort.patients)))


def analysis(run, name=None):
    return Analysis(name or run.__name__, "verification", "Why?", 1, run)


def study_of(folder, *analyses, data=None, parts=lambda: (BUILD, SEALED), **changes):
    data = data or plan_data()
    data["analyses"] = {one.name: data["analyses"].get(one.name, {}) for one in analyses}
    leaf = "verification.code.numerical_code_verification"
    if "order" not in data["analyses"]:
        data["factors"][leaf].pop("criteria", None)
    path = write_plan(folder / "toy", data)
    checks = {"exact": Check("exact", "order", lambda e: (Finding(leaf, "d", "the order is right"),))}
    study = Study(
        plan=load_plan(path),
        path=path,
        twin=lambda: SimpleNamespace(name="toytwin"),
        analyses={one.name: one for one in analyses},
        checks=checks,
        parts=parts,
        reference_fit=lambda: None,
        data="data",
        source="source",
    )
    return dataclasses.replace(study, **changes)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store" / "evidence.sqlite", create=True)


def states(steps):
    return [(step.analysis, step.state) for step in steps]


def test_evidence_is_kept_and_what_is_fresh_is_skipped(tmp_path, store):
    calls = []

    def order(twin, context, *, n):
        calls.append(n)
        return found("order", 0.01)

    study = study_of(tmp_path, analysis(order))
    shown = []
    assert states(run_study(study, store, progress=shown.append)) == [("order", "done")]
    assert [step.state for step in shown] == ["running", "done"]
    assert states(run_study(study, store)) == [("order", "fresh")]
    assert calls == [1]
    assert len(store.records("toy")) == 1
    (event,) = store.events("toy")
    assert (event.body["budget"], event.body["analysis"]) == ("quick", "order")


def test_each_budget_runs_with_its_settings_and_full_serves_quick(tmp_path, store):
    study = study_of(tmp_path, analysis(order))
    assert states(run_study(study, store, "full")) == [("order", "done")]
    assert store.records()[0].evidence.values["deviation"].value == 0.09
    assert states(run_study(study, store, "quick")) == [("order", "fresh")]
    other = Store(tmp_path / "other.sqlite", create=True)
    run_study(study, other, "quick")
    assert states(run_study(study, other, "full")) == [("order", "done")]
    assert len(other.records()) == 2
    assert assess(study, other).records[0].evidence.values["deviation"].value == 0.09


@pytest.mark.parametrize("change", [{"source": "new"}, {"data": "new"}])
def test_new_code_or_data_make_evidence_stale(tmp_path, store, change):
    study = study_of(tmp_path, analysis(order))
    run_study(study, store)
    assert assess(study, store).verdicts[1].status == "met"
    changed = dataclasses.replace(study, **change)
    assert assess(changed, store).verdicts[1].status == "stale"
    assert states(run_study(changed, store)) == [("order", "done")]
    assert assess(changed, store).verdicts[1].status == "met"


def test_a_changed_plan_makes_evidence_stale(tmp_path, store):
    run_study(study_of(tmp_path, analysis(order)), store)
    data = plan_data()
    data["seed"] = 2
    assert assess(study_of(tmp_path, analysis(order), data=data), store).verdicts[1].status == "stale"


def test_a_failure_is_kept_and_the_run_goes_on(tmp_path, store):
    def broken(twin, context):
        raise ZeroDivisionError("no patients")

    study = study_of(tmp_path, analysis(broken), analysis(order))
    assert states(run_study(study, store)) == [("broken", "failed"), ("order", "done")]
    record = store.records()[0]
    assert (record.evidence.status, record.evidence.message) == ("failed", "ZeroDivisionError: no patients")
    assert "Traceback" in log_path(store).read_text()
    kept = logging.getLogger("vvuq.run")
    assert kept.propagate
    assert not [handler for handler in kept.handlers if isinstance(handler, logging.FileHandler)]
    assert states(run_study(study, store)) == [("broken", "failed"), ("order", "fresh")]


def test_no_log_without_a_failure(tmp_path, store):
    run_study(study_of(tmp_path, analysis(order)), store)
    assert not log_path(store).exists()


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (found("another", 1.0), "evidence of another"),
        (None, "'NoneType'"),
        (dataclasses.replace(found("order", 1.0), inputs={"x": {1}}), "inputs.x is of type set"),
    ],
)
def test_what_is_not_its_evidence_is_a_failure(tmp_path, store, result, words):
    (step,) = run_study(study_of(tmp_path, analysis(lambda twin, context, **k: result, "order")), store)
    assert step.state == "failed"
    assert words in step.message


def test_not_evaluable_is_kept_and_tried_again(tmp_path, store):
    def absent():
        raise NotEvaluable("fetch the cohort")

    def fits(twin, context):
        return found("fits", float(len(context.build().patients)))

    study = study_of(tmp_path, analysis(fits), parts=absent)
    (step,) = run_study(study, store)
    assert (step.state, step.message) == ("not_evaluable", "fetch the cohort")
    assert store.records()[0].evidence.status == "not_evaluable"
    (step,) = run_study(dataclasses.replace(study, parts=lambda: (BUILD, SEALED)), store)
    assert step.state == "done"


def test_what_is_not_a_number_is_never_met(tmp_path, store):
    study = study_of(tmp_path, analysis(lambda twin, context, n: found("order", float("nan")), "order"))
    assert states(run_study(study, store)) == [("order", "done")]
    assert "deviation could not be computed" in store.records()[0].evidence.negative[0]
    assert assess(study, store).verdicts[1].status == "not_evaluable"


def test_held_out_patients_need_a_lock_and_every_opening_is_told(tmp_path, store, monkeypatch):
    study = study_of(tmp_path, analysis(order), analysis(sealed))
    steps = run_study(study, store)
    assert states(steps) == [("order", "done"), ("sealed", "invalid")]
    line = study.path.read_text().splitlines().index("  sealed: {}") + 1
    assert steps[1].message.startswith(f"{study.path}:{line}: analyses.sealed: ")
    assert "vvuq plan lock toy" in steps[1].message
    assert [event.kind for event in store.events()] == ["evidence"]
    lock(study.plan, study.path)
    monkeypatch.setenv("VVUQ_USER", "maria.curie")
    assert states(run_study(study, store)) == [("order", "fresh"), ("sealed", "done")]
    kinds = [event.kind for event in store.events()]
    assert kinds == ["evidence", "locked", "opened", "evidence"]
    opened = store.events()[2].body
    assert (opened["analysis"], opened["reason"], opened["patients"]) == ("sealed", "to test", 2)
    assert (opened["plan"], opened["cohort"]) == (study.plan.digest, SEALED.digest)
    assert set(opened) == {"analysis", "reason", "plan", "cohort", "patients", "commit", "who"}
    assert opened["who"] == "maria.curie"


@pytest.mark.parametrize(
    ("given", "login", "name"),
    [
        ("maria.curie", "root", "maria.curie"),
        ("", "pierre", "pierre"),
        ("", None, "unknown"),
        (" a\nb\udcff ", "root", "a?b?"),
        ("x" * 200, "root", "x" * 80),
    ],
)
def test_who_opens_is_known_as_far_as_the_machine_says(monkeypatch, given, login, name):
    def ask():
        if login is None:
            raise KeyError("getpwuid(): uid not found: 4711")
        return login

    monkeypatch.setattr("getpass.getuser", ask)
    monkeypatch.setattr("os.environ", {"VVUQ_USER": given})
    assert who() == name


def test_an_invalid_input_is_kept_from_the_store_and_the_run_goes_on(tmp_path, store):
    def strict(twin, context):
        raise InputError("cohort toy", "weight", -1, "a weight above 0")

    study = study_of(tmp_path, analysis(strict), analysis(order))
    steps = run_study(study, store)
    assert states(steps) == [("strict", "invalid"), ("order", "done")]
    line = study.path.read_text().splitlines().index("  strict: {}") + 1
    expected = f"{study.path}:{line}: analyses.strict: cohort toy: weight: -1 is not valid: a weight above 0"
    assert steps[0].message == expected
    assert [record.evidence.analysis for record in store.records()] == ["order"]
    assert complaints(steps, store) == [expected]
    assert exit_code(steps) == 2


@pytest.mark.parametrize(
    ("states_", "code"),
    [
        (("done", "fresh"), 0),
        (("done", "not_evaluable"), 3),
        (("invalid", "not_evaluable"), 2),
        (("not_evaluable", "invalid", "failed"), 70),
    ],
)
def test_the_most_severe_state_decides_how_a_run_ends(store, states_, code):
    steps = [Step(i, 3, f"a{i}", state, message="why") for i, state in enumerate(states_)]
    assert exit_code(steps) == code
    assert len(complaints(steps, store)) == len([state for state in states_ if state not in ("done", "fresh")])


def test_an_analysis_that_leaks_stops_the_run_and_is_on_record(tmp_path, store, monkeypatch):
    def leaky(twin, context):
        held_out = context.open_sealed("to test")
        return found("leaky", fit_population(load_twin(TWIN), held_out).objective)

    cohort = synthetic_neonates(6, 1)
    parts = split(cohort, HeldOutRule(count=3, salt="toy/"))
    study = study_of(tmp_path, analysis(order), analysis(leaky), analysis(sealed), parts=lambda: parts)
    lock(study.plan, study.path)
    monkeypatch.setenv("VVUQ_USER", "maria.curie")
    with pytest.raises(IntegrityError) as caught:
        run_study(study, store)
    events = store.events()
    assert [event.kind for event in events] == ["locked", "evidence", "opened", "refused"]
    assert events[-1].body["message"] == str(caught.value)
    assert (events[-1].body["analysis"], events[-1].body["who"]) == ("leaky", "maria.curie")
    assert verify_study(study, store) == []
    assert assess(study, store).verdicts[0].status == "gap"


def test_a_run_does_not_go_on_in_a_store_that_was_changed(tmp_path, store):
    study = study_of(tmp_path, analysis(order), analysis(sealed))
    run_study(study, store, only="order")
    with sqlite3.connect(store.path, isolation_level=None) as connection:
        connection.execute("DROP TRIGGER events_UPDATE")
    connection.close()
    with pytest.raises(IntegrityError, match=r"guard events_UPDATE.*move the file away"):
        run_study(study, store)


def test_a_plan_changed_after_the_lock_opens_nothing(tmp_path, store):
    study = study_of(tmp_path, analysis(sealed))
    lock(study.plan, study.path)
    data = plan_data()
    data["seed"] = 2
    changed = study_of(tmp_path, analysis(sealed), data=data)
    with pytest.raises(IntegrityError, match="seed: 1 -> 2"):
        run_study(changed, store)
    assert "opened" not in [event.kind for event in store.events()]


def test_a_killed_run_goes_on_where_it_ended(tmp_path, store):
    def last(twin, context):
        raise KeyboardInterrupt

    study = study_of(tmp_path, analysis(order), analysis(last))
    with pytest.raises(KeyboardInterrupt):
        run_study(study, store)
    assert [record.evidence.analysis for record in Store(store.path).records()] == ["order"]
    mended = dataclasses.replace(
        study, analyses={"order": analysis(order), "last": analysis(lambda t, c: found("last", 1.0), "last")}
    )
    assert states(run_study(mended, Store(store.path, create=True))) == [("order", "fresh"), ("last", "done")]


def test_only_one_analysis(tmp_path, store):
    study = study_of(tmp_path, analysis(order), analysis(sealed))
    assert states(run_study(study, store, only="order")) == [("order", "done")]
    with pytest.raises(InputError, match="did you mean order"):
        run_study(study, store, only="ordre")


def draws(study, store, name):
    stream = RunContext(study, store, name).stream
    return tuple(tuple(stream(label).random(4)) for label in ("a", "b", "a"))


def test_streams_depend_on_seed_analysis_and_name_alone(tmp_path, store):
    study = study_of(tmp_path, analysis(order))
    more = study_of(tmp_path / "more", analysis(sealed), analysis(order))
    one = draws(study, store, "order")
    assert one == draws(more, store, "order")
    assert one[0] == one[2]
    data = plan_data()
    data["seed"] = 2
    reseeded = study_of(tmp_path / "seed", analysis(order), data=data)
    assert len({one[0], one[1], draws(study, store, "sealed")[0], draws(reseeded, store, "order")[0]}) == 4


def test_streams_are_the_same_on_every_machine(tmp_path, store):
    stream = RunContext(study_of(tmp_path, analysis(order)), store, "order").stream("draw")
    assert isinstance(stream.bit_generator, np.random.Philox)
    assert stream.integers(0, 2**32, 3).tolist() == [1464182795, 3326698150, 699920311]


def test_cost_and_model_runs_are_measured_and_not_part_of_what_was_found(tmp_path, store):
    def order(twin, context, *, n):
        values = context.evaluate(lambda points: points.sum(axis=0), np.ones((2, 7)))
        assert values.tolist() == [2.0] * 7
        return found("order", 0.01)

    run_study(study_of(tmp_path, analysis(order)), store)
    record = store.records()[0]
    assert record.evidence.cost.model_runs == 7
    assert record.evidence.cost.wall_seconds >= 0


def test_nothing_run_is_all_gaps(tmp_path):
    found = assess(study_of(tmp_path, analysis(order)), None)
    assert {verdict.status for verdict in found.verdicts} == {"gap"}
    assert len(found.verdicts) == 23


def test_a_lock_that_was_exchanged_is_found(tmp_path, store):
    study = study_of(tmp_path, analysis(sealed))
    lock(study.plan, study.path)
    run_study(study, store)
    assert verify_study(study, store) == []
    data = plan_data()
    data["seed"] = 2
    changed = study_of(tmp_path, analysis(sealed), data=data)
    lock(changed.plan, changed.path, "a better seed")
    assert verify_study(changed, store) == []
    changed.path.with_name("plan.lock.json").unlink()
    lock(changed.plan, changed.path)
    assert any("does not tell of" in problem for problem in verify_study(changed, store))


def _run_and_die(folder, path):
    def last(twin, context):
        os.kill(os.getpid(), signal.SIGKILL)

    run_study(study_of(folder, analysis(order), analysis(last)), Store(path, create=True))


def test_a_process_that_dies_loses_nothing_it_had_finished(tmp_path):
    path = tmp_path / "evidence.sqlite"
    worker = multiprocessing.get_context("spawn").Process(target=_run_and_die, args=(tmp_path, path))
    worker.start()
    worker.join(120)
    assert worker.exitcode == -signal.SIGKILL
    study = study_of(tmp_path, analysis(order), analysis(lambda twin, context: found("last", 1.0), "last"))
    store = Store(path, create=True)
    assert verify_study(study, store) == []
    assert states(run_study(study, store)) == [("order", "fresh"), ("last", "done")]
