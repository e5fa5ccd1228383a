"""Evidence survives JSON and back; its digest covers what was found and nothing else."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.errors import IntegrityError, VvuqError
from vvuq.evidence.canonical import canonical, evidence_id, from_json, to_json, value_digest, without_nonfinite
from vvuq.record import Cost, Evidence, Quantity, Table

finite = st.floats(allow_nan=False, allow_infinity=False)
maybe = st.none() | finite
quantities = st.builds(
    Quantity,
    value=finite,
    unit=st.text(max_size=5),
    low=maybe,
    high=maybe,
    lower95=maybe,
    upper95=maybe,
    n=st.none() | st.integers(0, 99),
)
cells = st.none() | finite | st.text(max_size=4) | st.booleans() | st.integers(-9, 9)
tables = st.builds(
    Table,
    title=st.text(max_size=5),
    columns=st.just(("a", "b")),
    units=st.just(("h", "1")),
    rows=st.lists(st.tuples(cells, cells), max_size=3).map(tuple),
    individual=st.booleans(),
)
texts = st.lists(st.text(max_size=6), max_size=2).map(tuple)
evidences = st.builds(
    Evidence,
    question=st.text(max_size=9),
    analysis=st.text(max_size=9),
    version=st.integers(0, 9),
    twin=st.text(max_size=5),
    inputs=st.dictionaries(st.text(max_size=4), st.lists(st.integers(), max_size=3) | st.text(max_size=3), max_size=3),
    stream=st.text(max_size=4),
    values=st.dictionaries(st.text(max_size=6), quantities, max_size=3),
    tables=st.dictionaries(st.text(max_size=6), tables, max_size=2),
    artifacts=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
    findings=texts,
    negative=texts,
    status=st.sampled_from(["done", "failed", "not_evaluable"]),
    message=st.text(max_size=5),
    cost=st.builds(Cost, cpu_seconds=finite, wall_seconds=finite, model_runs=st.integers(0, 9)),
)


def simple(**changes):
    values = {"x": Quantity(1.0, "h", low=0.5, high=1.5)}
    base = Evidence("Why?", "convergence", 1, "pk", {"n": 3}, "convergence", values)
    return dataclasses.replace(base, **changes)


@given(evidences)
def test_json_and_back_is_the_same_evidence(evidence):
    text = to_json(evidence)
    assert from_json(text) == evidence
    assert to_json(from_json(text)) == text
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@given(evidences, st.builds(Cost, cpu_seconds=finite, wall_seconds=finite, model_runs=st.integers(0, 9)))
def test_cost_does_not_change_the_digest(evidence, cost):
    assert value_digest(dataclasses.replace(evidence, cost=cost)) == value_digest(evidence)


@pytest.mark.parametrize(
    "change",
    [
        {"question": "How?"},
        {"version": 2},
        {"values": {"x": Quantity(math.nextafter(1.0, 2.0), "h", low=0.5, high=1.5)}},
        {"values": {"x": Quantity(1.0, "min", low=0.5, high=1.5)}},
        {"values": {"x": Quantity(1.0, "h", low=0.5, high=1.5, kind="epistemic")}},
        {"findings": ("A",)},
        {"negative": ("A",)},
        {"status": "failed"},
        {"inputs": {"n": 4}},
        {"tables": {"t": Table("t", ("a",), ("h",), ((1.0,),))}},
    ],
)
def test_what_was_found_changes_the_digest(change):
    assert value_digest(simple(**change)) != value_digest(simple())
    assert evidence_id(simple(**change)) != evidence_id(simple())


def test_id_is_the_start_of_the_digest():
    assert evidence_id(simple()) == "E-" + value_digest(simple())[:12]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_not_finite_is_refused_and_its_place_is_named(bad):
    with pytest.raises(VvuqError, match=r"x\.value"):
        to_json(simple(values={"x": Quantity(bad, "h")}))
    with pytest.raises(VvuqError, match=r"rows"):
        to_json(simple(tables={"t": Table("t", ("a",), ("h",), ((bad,),))}))


def test_foreign_types_and_keys_are_refused():
    with pytest.raises(VvuqError, match=r"inputs\.a is of type set"):
        to_json(simple(inputs={"a": {1}}))
    with pytest.raises(VvuqError, match="keys of a record are text"):
        to_json(simple(inputs={1: "a"}))


def test_numpy_values_become_plain():
    assert canonical({"b": np.float64(0.5), "a": np.arange(2), "c": np.bool_(True), "d": (np.int64(3),)}) == (
        '{"a":[0,1],"b":0.5,"c":true,"d":[3]}'
    )


def test_whole_numbers_in_a_quantity_are_floats():
    assert to_json(simple(values={"x": Quantity(1, "h", low=0, high=2)})) == to_json(
        simple(values={"x": Quantity(1.0, "h", low=0.0, high=2.0)})
    )


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "nonsense", '{"values":NaN}', '{"values":{}}'])
def test_what_is_not_evidence_is_refused(text):
    with pytest.raises(IntegrityError):
        from_json(text)


def test_another_spelling_of_the_same_json_is_refused():
    with pytest.raises(IntegrityError, match="canonical"):
        from_json(to_json(simple()).replace(":", ": ", 1))


def test_without_nonfinite_takes_out_and_says_so():
    nan = math.nan
    values = {"good": Quantity(1.0, "h", low=nan, upper95=math.inf), "bad": Quantity(nan, "h")}
    cleaned = without_nonfinite(simple(values=values, tables={"t": Table("t", ("a", "b"), ("h", ""), ((nan, "x"),))}))
    assert cleaned.values == {"good": Quantity(1.0, "h")}
    assert cleaned.tables["t"].rows == ((None, "x"),)
    assert cleaned.negative == ("bad could not be computed: the result was not a finite number.",)
    to_json(cleaned)


def test_without_nonfinite_leaves_finite_evidence_alone():
    assert without_nonfinite(simple()) == simple()
