"""Claims are held against the model when the twin is declared; what does not fit is said with a remedy."""

import math
from dataclasses import replace

import pytest
from examples import pk

from vvuq.errors import InputError
from vvuq.models import Balance, Claims, Envelope, Monotone, Range

CLAIMS, ENVELOPE = pk().claims, pk().claims.envelope


def content(t, x, u, theta):
    return x[0]


def gain(t, x, u, theta):
    return u[0]


def inside(**changes):
    return {"envelope": replace(ENVELOPE, **changes)}


def test_a_twin_claims_nothing_unless_it_says_so():
    claims = replace(pk(), claims=Claims()).claims
    assert claims == Claims() and claims.envelope is None and claims.autonomous


def test_the_reference_twin_bounds_its_own_slope():
    CL, V, effect = (p.prior for p in pk().model.parameters)
    fastest = CL.quantile(0.999) / (V.quantile(0.001) * (1 + effect.quantile(0.001)))
    assert fastest < CLAIMS.lipschitz < 1.01 * fastest
    assert ENVELOPE.boluses["A"] == Range(pytest.approx(0.3), pytest.approx(108.0), "mg")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nonnegative": ("B",)}, "claims.nonnegative: 'B' is not valid: one of A, concentration"),
        ({"monotone": (Monotone("CL", "concentration"),)}, "claims.monotone: 'CL' is not valid: one of A, R"),
        ({"monotone": (Monotone("A", "mood"),)}, "claims.monotone: 'mood' is not valid: one of concentration"),
        ({"lipschitz": 0.0}, "claims.lipschitz: 0.0 is not valid: a positive number"),
        ({"lipschitz": math.inf}, "claims.lipschitz: inf is not valid: a positive number"),
        ({"solver_error": math.nan}, "claims.solver_error: nan is not valid: a positive number"),
        ({"solver_prior": 1.0}, "claims.solver_prior: 1.0 is not valid: a share between 0 and 1"),
        ({"balances": (Balance("drug", "g", content, gain),)}, "claims.balances.drug: content: "),
        ({"balances": (Balance("drug", "mg", content, content),)}, "claims.balances.drug: gain: "),
        (
            inside(levels={"weight": ENVELOPE.levels["weight"]}),
            "claims.envelope.levels: .*a range of covariate low_apgar",
        ),
        (inside(boluses={"B": Range(1.0, 2.0, "mg")}), "claims.envelope.boluses: 'B' is not valid: one of A"),
        (
            inside(boluses={"A": Range(1.0, 2.0, "g")}),
            "claims.envelope.boluses.A: 'g' is not valid: the model's unit, mg",
        ),
        (
            inside(boluses={"A": Range(2.0, 1.0, "mg")}),
            "claims.envelope.boluses.A: .2.0, 1.0. is not valid: finite low <=",
        ),
        (inside(boluses={"A": Range(1.0, math.inf, "mg")}), "claims.envelope.boluses.A: .1.0, inf. is not valid"),
        (inside(rates={"A": Range(1.0, 2.0, "mg/h")}), "claims.envelope.rates: 'A' is not valid: one of R"),
        (inside(initial={"R": Range(1.0, 2.0, "mg/h")}), "claims.envelope.initial: 'R' is not valid: one of A"),
        (
            inside(measured={"A": Range(1.0, 2.0, "mg")}),
            "claims.envelope.measured: 'A' is not valid: one of concentration",
        ),
        (inside(varying=("height",)), "claims.envelope.varying: 'height' is not valid: one of weight, low_apgar"),
        (inside(duration=0.0), "claims.envelope.duration: 0.0 is not valid: a positive time in h"),
        (inside(infused=Range(0.0, 1.0, "h")), "claims.envelope.infused: 0.0 is not valid: values above 0"),
        (
            inside(infused=Range(1.0, 2.0, "min")),
            "claims.envelope.infused: 'min' is not valid: the model's unit of time, h",
        ),
        (inside(samples=Range(1.0, 2.0, "1")), "claims.envelope.samples: 1.0 is not valid: whole counts"),
        (
            inside(samples=Range(0.0, 2.0, "1", whole=True)),
            "claims.envelope.samples: 0.0 is not valid: whole counts from 1",
        ),
        (inside(samples=Range(1.2, 1.8, "1", whole=True)), "claims.envelope.samples: .1.2, 1.8. is not valid"),
        (inside(doses={"d": Range(0.0, 1.0, "mg/kg")}), "claims.envelope.doses.d: 0.0 is not valid: values above 0"),
        (inside(doses={"d": Range(1.0, 2.0, "mg")}), "claims.envelope.doses.d: unit: 'mg' is not valid"),
        (
            inside(dose_units={"e": "mg"}),
            "claims.envelope.dose_units: 'e' is not valid: one of maintenance_dose, loading",
        ),
        ({"continuous": False}, "claims.lipschitz: .* is not valid: no bound where claims.continuous is false"),
        (inside(dose_per="height"), "claims.envelope.dose_per: 'height' is not valid: one of weight, apgar"),
        (inside(covariates={"weight": Range(1.0, 2.0, "sth")}), "claims.envelope.covariates.weight: unit: 'sth'"),
    ],
)
def test_claims_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(InputError, match=f"^twin pk: {message}"):
        replace(pk(), claims=replace(CLAIMS, **changes))


def test_a_dose_of_its_own_needs_no_covariate():
    plain = Envelope(10.0, doses={"d": Range(1.0, 2.0, "g")}, dose_unit="mg", levels=ENVELOPE.levels)
    assert replace(pk(), claims=Claims(envelope=plain)).claims.envelope is plain
