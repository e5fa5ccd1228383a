"""The analyses of a cohort's orders: they report what they declare, and find what the cohort was drawn with."""

import json
import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import orders
import pytest

from vvuq.analyses.missingness.orders_comparison import orders_comparison
from vvuq.analyses.missingness.orders_holdout import orders_holdout
from vvuq.analyses.missingness.orders_sensitivity import REJECTED, orders_sensitivity
from vvuq.data.split import subset
from vvuq.errors import InputError, NotEvaluable


@lru_cache(maxsize=1)
def parts():
    """Build patients, and sealed ones; drawn where they are first asked for, since that compiles."""
    whole = orders.cohort(140, 24)
    ids = [p.id for p in whole.patients]
    left = subset(whole, ids[100:], "held out")
    return subset(whole, ids[:100], "build"), replace(
        left, patients=tuple(replace(p, sealed=True) for p in left.patients)
    )


FEW = {"channel": "log_lactate", "iterations": 12}
ASKED = {**FEW, "threshold": 1.5, "at_most": 45.0, "slopes": [0.0, 0.9, 1.8], "deltas": [-0.5, 0.0, 0.5]}


class Opened:
    """A context with held-out patients."""

    def __init__(self, stand_in):
        self.plain, self.reasons = stand_in("orders", build_cohort=parts()[0]), []

    def stream(self, name):
        return self.plain.stream(name)

    def build(self):
        return parts()[0]

    def open_sealed(self, reason):
        self.reasons.append(reason)
        return parts()[1]


@pytest.fixture(scope="module")
def found(stand_in):
    context = Opened(stand_in)
    out = {
        "orders_comparison": (orders_comparison, orders_comparison.run(orders.twin(), context, **FEW), FEW),
        "orders_sensitivity": (orders_sensitivity, orders_sensitivity.run(orders.twin(), context, **ASKED), ASKED),
        "orders_holdout": (orders_holdout, orders_holdout.run(orders.twin(), context, **FEW), FEW),
    }
    assert context.reasons == ["orders_holdout: the next value and the next order, by two twins"]
    return out


def test_they_report_what_they_declare_and_fit_in_tables(found):
    for of, one, settings in found.values():
        assert {key: q.unit for key, q in one.values.items()} == of.metrics(orders.twin(), settings), of.name
        for key, q in one.values.items():
            assert all(v is None or math.isfinite(v) for v in (q.value, q.low, q.high, q.lower95, q.upper95)), key
        for table in one.tables.values():
            assert all(len(row) == len(table.columns) == len(table.units) for row in table.rows)
            assert all(not isinstance(c, float) or math.isfinite(c) for row in table.rows for c in row)
        assert json.loads(json.dumps(one.inputs, allow_nan=False)) == one.inputs
        assert all(sentence.endswith(".") for sentence in (*one.findings, *one.negative))


def test_the_next_order_is_foreseen_better_by_who_knows_that_it_depends_on_the_state(found):
    for name in ("orders_comparison", "orders_holdout"):
        v = found[name][1].values
        assert v["order_gain"].value > 0.0 and v["order_log_score_aware"].value > v["order_log_score_naive"].value
        assert v["order_log_score_naive"].value > v["order_log_score_rate"].value - 0.02
        assert v["share_expected_aware"].value == pytest.approx(v["share_ordered"].value, rel=0.25)
        assert 80.0 < v["coverage90_aware"].value <= 100.0
    assert found["orders_holdout"][1].values["n_leaked"].value == 0.0
    assert found["orders_holdout"][1].values["n_persons"].value == 40.0


def test_the_conclusion_moves_with_the_slope_and_its_flip_is_told(found):
    one = found["orders_sensitivity"][1]
    v, profile = one.values, one.tables["profile"].rows
    shares = [row[2] for row in profile]
    assert shares[0] > shares[-1] and v["share_naive"].value > v["share_aware"].value
    truth = np.mean([x > np.log(1.5) for x in _levels()])
    assert abs(v["share_aware"].value - 100.0 * truth) < 12.0
    assert v["band_low"].value <= v["share_aware"].value <= v["band_high"].value
    assert v["assumed_low"].value <= v["band_low"].value and v["band_high"].value <= v["assumed_high"].value
    assert v["log_likelihood_gain"].value > 5.0 and max(row[1] for row in profile) <= 0.0
    delta = [row[1] for row in one.tables["delta"].rows]
    assert delta == sorted(delta) and delta[1] == pytest.approx(v["share_naive"].value)
    flips = [row[2] for row in one.tables["tipping"].rows if row[2] is not None]
    assert len(flips) == v["n_flips"].value + v["n_delta_flips"].value
    assert any("cannot" in sentence or "can tell" in sentence for sentence in one.findings)
    cut = [end for end in (profile[0], profile[-1]) if end[1] >= -REJECTED]
    assert sum("the interval is cut there" in sentence for sentence in one.negative) == len(cut)


def test_an_interval_that_the_grid_cuts_says_so(stand_in):
    """Few persons, and a grid that ends near what they prefer."""
    asked = {**ASKED, "slopes": [0.0, 0.4, 0.8], "most": 40}
    one = orders_sensitivity.run(orders.twin(), Opened(stand_in), **asked)
    assert one.tables["profile"].rows[-1][1] >= -REJECTED
    assert any("the highest slope assumed: the interval is cut there" in told for told in one.negative)


def _levels():
    """Logarithms of lactate of such patients, by the law that the cohort was drawn from."""
    rng = np.random.default_rng(0)
    level = 0.2 + 0.5 * rng.standard_normal(4000)
    start = level + 0.3 + 0.5 * rng.standard_normal(4000)
    x, out = start, []
    for _ in range(24):
        out.append(x)
        x = level + (x - level) * np.exp(-0.05) + 0.12 * rng.standard_normal(4000)
    return np.concatenate(out)


def test_what_cannot_be_asked_is_said(stand_in):
    context, twin = Opened(stand_in), orders.twin()
    with pytest.raises(InputError, match="did you mean log_lactate"):
        orders_comparison.run(twin, context, channel="log_lactat")
    with pytest.raises(NotEvaluable, match="does not say"):
        orders_comparison.run(replace(twin, orders=()), context, channel="log_lactate")
    with pytest.raises(InputError, match="ascend"):
        orders_sensitivity.run(twin, context, **{**ASKED, "slopes": [0.0, 1.0, 0.5]})
    with pytest.raises(InputError, match="folds"):
        orders_comparison.run(twin, context, channel="log_lactate", folds=1000)
