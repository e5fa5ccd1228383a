"""Wrong scaffolds: what is compared with what, answers of forecasters whose answer is known, and what is named."""

from dataclasses import dataclass, replace

import freeliving
import numpy as np
import pytest

from vvuq.analyses.validation.answers import answers, asked_at, until
from vvuq.analyses.validation.forecasts import Asked
from vvuq.analyses.validation.scaffold_answers import candidates, scaffold_answers, wrong_scaffolds_were_asked
from vvuq.analyses.validation.scaffolds import change_of
from vvuq.errors import InputError, NotEvaluable
from vvuq.interaction.forecaster import AHEAD, eligible, truths
from vvuq.models import Bolus, LogNormal, Schedule, Twin
from vvuq.record import Dose

BUILD = freeliving.cohort(3, days=1.5)


@dataclass(frozen=True)
class Knows:
    """Forecasts the truth with noise; each gram of a meal at the origin adds `each` times 100 mg/dL an hour, where the
    twin is told of meals. The level says how far it is off."""

    twin: Twin
    name: str = "twin"
    kind: str = "mechanistic"
    each: float = 0.01

    def over(self, change):
        return replace(self, twin=change(self.twin))

    def fit(self, cohort, draws):
        return self

    def paths(self, cohort, patient, origins, members, draws):
        (whole,) = [p for p in BUILD.patients if p.id == patient.id]
        each, level = self.each, self.twin.model.parameters[1].prior.quantile(0.5)
        noise = replace(draws, patient=patient.id).normal(0, "x", (origins.size, 12, members))
        told = self.twin.schedule(cohort, patient).boluses
        eaten = np.array([sum(b.amount for b in told if b.time == t) for t in origins])
        moved = 100.0 * each * eaten[:, None] * AHEAD / 60.0
        return truths(whole, origins)[:, :, None] + level - 140.0 + moved[:, :, None] + 5.0 * noise


@dataclass(frozen=True)
class Net:
    """Moves a tenth of it; has no scaffold."""

    name: str = "net"
    kind: str = "data-driven"

    def fit(self, cohort, draws):
        return Knows(with_k(0.01), each=0.001)


def meals(cohort, patient):
    return Schedule(0.0, tuple(Bolus(d.time, "G", d.amount) for d in patient.doses if d.what == "carbohydrate"))


def with_k(value):
    k, base = freeliving.MODEL.parameters
    model = replace(freeliving.MODEL, parameters=(replace(k, prior=LogNormal(value, 0.3)), base))
    return replace(freeliving.TWIN, model=model, personal=(), schedule=meals)


TWIN = replace(with_k(0.01), forecasters={"net": Net(), "twin": Knows(with_k(0.01))})
WRONG = [{"name": "deaf", "ignores": ["carbohydrate"]}, {"name": "poor", "factors": {"base": 1.3}}]
EAT = [{"what": "carbohydrate", "amount": 20.0}]
FEW = {"members": 20, "stride": 240.0, "questions": 2, "wrong": WRONG}


@pytest.fixture(scope="module")
def found(stand_in):
    return scaffold_answers.run(TWIN, stand_in("scaffold_answers", build_cohort=BUILD), actions=EAT, **FEW)


def test_it_reports_what_it_declares(found):
    settings = {**FEW, "actions": EAT}
    assert {key: q.unit for key, q in found.values.items()} == scaffold_answers.metrics(TWIN, settings)
    assert not any(table.individual for table in found.tables.values())


def test_answers_and_biases_are_those_of_the_forecasters(found):
    """20 g for three hours at 1 mg/dL/g/h."""
    v = found.values
    assert v["answer_twin_as_declared_20_carbohydrate"].value == pytest.approx(60.0)
    assert v["bias_twin_deaf_20_carbohydrate"].value == pytest.approx(-60.0)
    assert v["off_twin_deaf_20_carbohydrate"].value == pytest.approx(100.0)
    assert v["off_net_as_declared_20_carbohydrate"].value == pytest.approx(90.0)
    assert v["bias_twin_poor_20_carbohydrate"].value == pytest.approx(0.0, abs=1e-9)
    assert v["worse_twin_deaf"].value == pytest.approx(0.0, abs=1e-9) and v["worse_twin_poor"].value > 100.0
    assert v["n_questions"].value == 6.0


def test_what_forecasts_do_not_betray_is_named(found):
    told = " ".join(found.negative)
    assert "twin (deaf) forecasts hardly worse" in told and "net (as declared) answers 20 carbohydrate" in told
    assert "poor" not in told and "no true answer is known" in found.findings[0]


def test_model_form_is_explored_by_two_wrong_scaffolds_and_not_by_one(found):
    (told,) = wrong_scaffolds_were_asked.run(found)
    assert (told.leaf, told.gradation) == ("validation.model.form", "b") and "2 mechanisms" in told.reason
    one = replace(found, inputs=found.inputs | {"wrong": WRONG[:1]})
    assert [f.gradation for f in wrong_scaffolds_were_asked.run(one)] == ["a"]
    bare = {key: replace(q, low=None, high=None) for key, q in found.values.items()}
    assert wrong_scaffolds_were_asked.run(replace(found, values=bare)) == ()


def test_an_answer_of_the_wrong_sign_is_named(stand_in):
    class Reversed(Net):
        def fit(self, cohort, draws):
            return Knows(with_k(0.01), each=-0.002)

    twin = replace(TWIN, forecasters=TWIN.forecasters | {"net": Reversed()})
    context = stand_in("scaffold_answers", build_cohort=BUILD)
    found = scaffold_answers.run(twin, context, **{**FEW, "wrong": WRONG[:1]}, actions=EAT)
    assert (
        "net (as declared) answers 20 carbohydrate up to 120 % off the reference, with the wrong sign."
        in found.negative
    )


def test_an_answer_uses_the_record_up_to_its_origin_and_the_dose():
    patient = BUILD.patients[0]
    at = asked_at(patient, 240.0, 3)
    assert set(at) <= set(eligible(patient, stride=240.0)) and at.size == 3
    seen = until(patient, float(at[1]), Dose(0.0, 7.0, what="carbohydrate"))
    assert max(m.time for m in seen.measurements) == at[1] and max(d.time for d in seen.doses) == at[1]
    assert Dose(float(at[1]), 7.0, what="carbohydrate") in seen.doses and until(patient, float(at[1])).doses
    five = Dose(0.0, 5.0, what="carbohydrate")
    one = answers(Knows(with_k(0.01), each=0.02), BUILD, {patient.id: at}, five, Asked(20, 240.0, 70.0))
    np.testing.assert_allclose(one, [[5.0, 10.0, 20.0, 30.0]])


def test_the_reference_is_the_first_mechanistic_forecaster_and_there_must_be_one():
    first = next(iter(candidates(TWIN, None, WRONG)))
    assert (first.forecaster, first.scaffold) == ("twin", "as declared")
    with pytest.raises(NotEvaluable, match="mechanistic"):
        candidates(TWIN, ["net"], WRONG)
    with pytest.raises(InputError, match=r"scaffold_answers\.wrong\.0: .*factors, or kinds"):
        candidates(TWIN, None, [{"name": "nothing"}])


def test_an_action_of_no_known_kind_is_refused(stand_in):
    context = stand_in("scaffold_answers", build_cohort=BUILD)
    with pytest.raises(InputError, match="actions"):
        scaffold_answers.run(TWIN, context, actions=[{"what": "tea", "amount": 1.0}], **FEW)


def test_a_twin_over_a_scaffold_is_wrong_in_that_alone_and_made_once():
    right, patient = with_k(0.01), BUILD.patients[0]
    deaf, poor = (change_of(right, one, "x")(right) for one in WRONG)
    assert deaf.model is right.model and not deaf.schedule(BUILD, patient).boluses
    assert poor.schedule is right.schedule and right.schedule(BUILD, patient).boluses
    moved = [
        b.prior.median / a.prior.median for a, b in zip(right.model.parameters, poor.model.parameters, strict=True)
    ]
    assert moved == pytest.approx([1.0, 1.3])
    change = change_of(right, WRONG[0], "x")
    assert change(right) is change(right) and change(right).name != right.name
