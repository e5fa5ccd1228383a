"""What a wrong scaffold costs: bias and loss are those of the scaffold, and what has none stays as it is."""

from dataclasses import dataclass, replace

import freeliving
import numpy as np
import pytest

from vvuq.analyses.validation.scaffold_bias import scaffold_bias, wrong_scaffolds_were_forecast_with
from vvuq.errors import InputError
from vvuq.interaction.corrected import Corrected
from vvuq.interaction.forecaster import over, truths
from vvuq.interaction.personal import Personal
from vvuq.models.twin import Twin

BUILD = freeliving.cohort(4)
SETTINGS = {"members": 20, "stride": 120.0, "threshold": 100.0, "folds": 2}
HIGH = {"name": "high", "factors": {"base": 1.5}}


@dataclass(frozen=True)
class Leaning:
    """The truth, moved by as much as the twin's level lies above 140."""

    twin: Twin
    name: str = "leaning"
    kind: str = "mechanistic"

    def over(self, change):
        return replace(self, twin=change(self.twin))

    def fit(self, cohort, draws):
        return self

    def paths(self, cohort, patient, origins, members, draws):
        (level,) = [p.prior.quantile(0.5) for p in self.twin.model.parameters if p.name == "base"]
        noise = np.random.default_rng(0).normal(size=(origins.size, 12, members))
        return truths(patient, origins)[:, :, None] + (level - 140.0) + noise


TWIN = replace(freeliving.TWIN, forecasters={"leaning": Leaning(freeliving.TWIN), "ARX": freeliving.LEARNERS[0]})


@pytest.fixture(scope="module")
def found(stand_in):
    return scaffold_bias.run(TWIN, stand_in("forecasts", build_cohort=BUILD), wrong=[HIGH], **SETTINGS)


def test_bias_and_loss_are_those_of_the_scaffold(found):
    v = found.values
    assert abs(v["bias_leaning_60_as_declared"].value) < 0.5
    assert v["bias_leaning_60_high"].value == pytest.approx(70.0, abs=0.5)
    loss = v["crps_leaning_180_high"].value - v["crps_leaning_180_as_declared"].value
    assert v["crps_loss_leaning_180_high"].value == pytest.approx(loss) and 60.0 < loss < 71.0
    assert v["crps_loss_leaning_180_high"].lower95 > 0.0


def test_what_has_no_scaffold_stays_as_it_is(found):
    for h in (30, 60, 120, 180):
        assert found.values[f"crps_loss_arx_{h}_high"].value == 0.0
        assert found.values[f"crps_arx_{h}_high"] == found.values[f"crps_arx_{h}_as_declared"]


def test_it_is_said_and_shown(found):
    assert {key: q.unit for key, q in found.values.items()} == scaffold_bias.metrics(TWIN, {"wrong": [HIGH]})
    assert found.negative == ("Over the scaffold high, leaning is worse than persistence at 30, 60, 120, 180 min.",)
    assert "CRPS of leaning at 180 min changes by +6" in found.findings[0]
    (table,) = found.tables.values()
    assert [row[:2] for row in table.rows if row[1] == "leaning"] == [("as declared", "leaning"), ("high", "leaning")]
    assert all(len(row) == len(table.columns) == len(table.units) for row in table.rows)


def test_one_wrong_scaffold_explores_no_form(found):
    (told,) = wrong_scaffolds_were_forecast_with.run(found)
    assert (told.leaf, told.gradation) == ("validation.model.form", "a") and "(high)" in told.reason
    same = replace(found, inputs=found.inputs | {"wrong": [HIGH, HIGH]})
    assert wrong_scaffolds_were_forecast_with.run(same)[0].gradation == "a"
    more = {key.replace("_high", "_low"): q for key, q in found.values.items() if key.startswith("crps_loss")}
    two = replace(found, values=found.values | more, inputs=found.inputs | {"wrong": [HIGH, {"name": "low"}]})
    assert wrong_scaffolds_were_forecast_with.run(two)[0].gradation == "b"


@pytest.mark.parametrize(("factors", "told"), [({"bse": 2.0}, "did you mean base"), ({"k": 2.0}, "not personal")])
def test_only_a_parameter_that_no_patient_adapts_makes_a_scaffold(stand_in, factors, told):
    context = stand_in("forecasts", build_cohort=BUILD)
    with pytest.raises(InputError, match=told):
        scaffold_bias.run(TWIN, context, wrong=[{"name": "x", "factors": factors}], **SETTINGS)


def test_the_twins_own_forecasters_can_stand_on_another_twin():
    other = replace(freeliving.TWIN, title="another")
    personal = Personal(freeliving.TWIN)
    assert over(personal, lambda twin: other).twin is other
    assert over(Corrected(personal, lambda *a: a, lambda *a: a), lambda twin: other).core.twin is other
    assert over(freeliving.LEARNERS[0], lambda twin: other) is None
