"""At the bedside from the command line: a table and a probability, what is refused and how."""

import json
from dataclasses import replace
from types import SimpleNamespace

import freeliving
import pytest
from home import structures

from vvuq.cli import main
from vvuq.interaction.personal import Personal

HOME = freeliving.cohort(3, days=1.5)
SEALED = replace(HOME, patients=(replace(freeliving.patient(9), sealed=True),))
GLUCOSE = structures()["glucose"]
ONE = HOME.patients[0]
MEAL = next(d.time for d in ONE.doses if d.what == "carbohydrate" and d.time > ONE.measurements[30].time)
AT = ["--patient", ONE.id, "--at", f"{MEAL:g}", "--members", "40"]


@pytest.fixture(autouse=True)
def study(monkeypatch, tmp_path):
    monkeypatch.setattr("vvuq.run.fits.cache_folder", lambda: tmp_path)
    twin = replace(GLUCOSE, forecasters={"personal twin": Personal(GLUCOSE, every=480.0, evaluations=2)})
    known = SimpleNamespace(
        plan=SimpleNamespace(seed=5), source="of the twin", twin=lambda: twin, parts=lambda: (HOME, SEALED)
    )
    monkeypatch.setattr("vvuq.run.study.open_study", lambda where: known)
    return known


def said(capsys, *words):
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_forecast_is_a_table_and_a_probability_that_grows(capsys):
    found = said(capsys, "forecast", "home", *AT)
    assert [row["ahead"] for row in found["rows"]] == [15.0 * i for i in range(1, 13)]
    chances = [row["below_by_then"] for row in found["rows"]]
    assert chances == sorted(chances) and chances[-1] == found["probability_below"]
    assert all(row["low"] <= row["median"] <= row["high"] for row in found["rows"])
    assert found["population"] == "fitted to the 2 other build patients" and found["unit"] == "mg/dL"
    assert said(capsys, "forecast", "home", *AT) == found
    assert said(capsys, "forecast", "home", *AT, "--below", "1000")["probability_below"] == 1.0
    assert main(["forecast", "home", *AT, "--ahead", "60"]) == 0
    text = capsys.readouterr()
    assert "probability of a reading below 70 within 60 min" in text.out and "2 other build patients" in text.err
    assert [line.split()[0] for line in text.out.splitlines() if line.endswith(" %") and " to " in line] == [
        "15", "30", "45", "60",
    ]  # fmt: skip


def test_a_clock_and_a_number_name_the_same_moment(capsys):
    day, rest = divmod(MEAL, 1440.0)
    clock = f"{day:.0f}d{rest // 60:02.0f}:{rest % 60:02.0f}"
    one, other = (said(capsys, "forecast", "home", *AT[:3], at, *AT[4:]) for at in (f"{MEAL:g}", clock))
    assert one == other and one["clock"] == clock


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (["--give", "carbohydrate", "20", "g"], 1.0),
        (["--give", "carbohydrate 20 g"], 1.0),
        (["--withhold", "carbohydrate"], -1.0),
        (["--give", "rapid_insulin", "3", "IU"], -1.0),
    ],
)
def test_what_is_given_or_withheld_moves_the_forecast_its_way(words, sign, capsys):
    found = said(capsys, "whatif", "home", *AT, *words)
    assert sign * found["rows"][-1]["change"] > 0.0
    assert sign * (found["probability_below_recorded"] - found["probability_below_changed"]) >= 0.0
    assert main(["whatif", "home", *AT, *words]) == 0
    assert "not an effect that was observed" in capsys.readouterr().out


def test_units_are_converted(capsys):
    one, other = (
        said(capsys, "whatif", "home", *AT, "--give", "carbohydrate", *dose) for dose in (("20", "g"), ("20000", "mg"))
    )
    assert one["rows"] == other["rows"] and one["give"] == ["carbohydrate 20 g"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["forecast", "home", "--patient", "p9", "--at", "600"], "this one is held out"),
        (["forecast", "home", "--patient", "q0", "--at", "600"], "a build patient of home: p0, p1, p2"),
        (["forecast", "home", "--patient", "p0", "--at", "99d00:00"], "a time of the record of this patient: 0d"),
        (["forecast", "home", "--patient", "p0", "--at", "0"], "a time of the record of this patient"),
        (["forecast", "home", "--patient", "p0", "--at", "noon"], "days and clock as 2d14:30"),
        (["forecast", "home", "--patient", "p0", "--at", "nan"], "days and clock as 2d14:30"),
        (["forecast", "home", *AT, "--members", "1"], "--members"),
        (["forecast", "home", *AT, "--ahead", "5"], "15 min or more"),
        (["forecast", "home", *AT, "--ahead", "soon"], "--ahead"),
        (["forecast", "home", "--at", "600"], "--patient"),
        (["whatif", "home", *AT], "at least one"),
        (["whatif", "home", *AT, "--give", "tea", "1", "g"], "kind, amount and unit"),
        (["whatif", "home", *AT, "--give", "carbohydrate", "20"], "kind, amount and unit"),
        (["whatif", "home", *AT, "--give", "carbohydrate", "much", "g"], "a number in the place of much"),
        (["whatif", "home", *AT, "--give", "carbohydrate", "0", "g"], "an amount above 0"),
        (["whatif", "home", *AT, "--give", "carbohydrate", "2", "mL"], "dimension of 'g'"),
        (["whatif", "home", *AT, "--withhold", "tea"], "a kind on this patient's record"),
        (["whatif", "home", *AT, "--withhold", "rapid_insulin"], "recorded at that very time; near it: "),
    ],
)
def test_what_cannot_be_asked_ends_with_2_and_says_what_would_be_right(words, hint, capsys):
    assert main(words) == 2
    told = capsys.readouterr()
    assert hint in told.err and "Traceback" not in told.err and "fitting" not in told.err


def test_a_gap_in_the_record_is_named(study, capsys):
    begin = ONE.measurements[40].time
    end = begin + GLUCOSE.follow.gap + 60.0
    silent = replace(ONE, measurements=tuple(m for m in ONE.measurements if not begin < m.time < end))
    study.parts = lambda: (replace(HOME, patients=(silent, *HOME.patients[1:])), SEALED)
    assert main(["forecast", "home", "--patient", ONE.id, "--at", f"{end - 30.0:g}"]) == 2
    assert "a time near a reading; there is none from" in capsys.readouterr().err


def test_a_twin_that_follows_nobody_is_refused(study, capsys):
    study.twin = lambda: freeliving.TWIN
    assert main(["forecast", "home", *AT]) == 2
    assert "a Follow: how its patients are tracked" in capsys.readouterr().err


def test_without_a_personal_forecaster_the_declared_population_is_named(study, capsys):
    study.twin = lambda: replace(GLUCOSE, forecasters={})
    assert "no patient was fitted" in said(capsys, "forecast", "home", *AT)["population"]


def test_a_fit_is_kept_whole_or_made_anew(capsys, tmp_path, study):
    first = said(capsys, "forecast", "home", *AT)
    (file,) = (tmp_path / "fits").iterdir()
    before = file.read_bytes()
    assert main(["forecast", "home", *AT, "--json"]) == 0
    again = capsys.readouterr()
    assert json.loads(again.out) == first and "fitting" not in again.err  # to the last digit
    for spoilt in (before[:-20], before.replace(b'"drift', b'"draft'), before.replace(b"1", b"2", 1), b"[]", b""):
        file.write_bytes(spoilt)
        assert main(["forecast", "home", *AT, "--json"]) == 0
        again = capsys.readouterr()
        assert json.loads(again.out) == first and "fitting" in again.err
        assert file.read_bytes() == before
    study.source = "other code"
    assert main(["forecast", "home", *AT, "--json"]) == 0
    assert "fitting" in capsys.readouterr().err and len(list((tmp_path / "fits").iterdir())) == 2


def test_where_nothing_can_be_kept_it_is_said(capsys, tmp_path):
    (tmp_path / "fits").write_text("a file in the way")
    assert main(["forecast", "home", *AT, "--json"]) == 0
    assert "the next command fits anew" in capsys.readouterr().err
