"""Error against days of data: what is cut, that the same origins are scored, and that more data help a learner."""

from dataclasses import replace

import freeliving
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.analyses.validation.forecast_comparison import forecast_comparison
from vvuq.analyses.validation.sample_efficiency import first_days, sample_efficiency
from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError
from vvuq.interaction.arx import ARX
from vvuq.interaction.forecaster import readings, truths

BUILD = freeliving.cohort(4)
SETTINGS = {"members": 20, "stride": 120.0, "threshold": 100.0}


@pytest.fixture(scope="module")
def context(stand_in):
    return stand_in("forecasts", build_cohort=BUILD)


@given(days=st.floats(0.1, 3.0))
def test_what_is_kept_lies_in_the_first_days_and_rates_stay(days):
    cut = first_days(BUILD, days)
    for whole, part in zip(BUILD.patients, cut.patients, strict=True):
        end = readings(whole).times[0] + 1440.0 * days
        assert part.measurements == tuple(m for m in whole.measurements if m.time < end)
        assert [d.time for d in part.doses] == [d.time for d in whole.doses if d.time < end]
        for before, after in zip(whole.doses, part.doses, strict=False):
            assert after.time + after.duration <= max(end, before.time) + 1e-6
            if before.duration:
                assert after.amount / after.duration == pytest.approx(before.amount / before.duration)
    make_cohort("cut", cut.patients, freeliving.UNITS)
    assert first_days(BUILD, float("inf")) is BUILD


def test_values_are_those_declared_and_all_the_days_are_the_comparison(context):
    names = ["ARX", "recurrent network"]
    settings = {**SETTINGS, "forecasters": names, "days": [0.75], "folds": 2}
    found = sample_efficiency.run(freeliving.TWIN, context, **settings)
    assert {key: q.unit for key, q in found.values.items()} == sample_efficiency.metrics(freeliving.TWIN, settings)
    whole = forecast_comparison.run(freeliving.TWIN, context, forecasters=names, folds=2, **SETTINGS)
    for key in ("crps_arx_60", "crps_recurrent_network_180", "brier_persistence"):
        assert found.values[f"{key}_all"] == whole.values[key]
        assert found.values[f"{key}_0.75_days"].value != whole.values[key].value
    table = found.tables["by_days"]
    assert [row[0] for row in table.rows] == ["0.75"] * 4 + ["all"] * 4 and not table.individual
    assert found.values["n_origins"] == whole.values["n_origins"]


def test_more_days_help_what_learns(stand_in):
    """A regression with many coefficients, on a course that is autoregressive."""
    rng = np.random.default_rng(0)

    def walk(number):
        x = np.full(96 * 6, 140.0)
        for i in range(2, x.size):
            x[i] = 14.0 + 1.5 * x[i - 1] - 0.6 * x[i - 2] + rng.normal(0.0, 5.0)
        return replace(
            freeliving.patient(number, 6.0, gaps=False), id=f"w{number}", measurements=tuple(
                replace(m, value=float(v)) for m, v in zip(freeliving.patient(number, 6.0, gaps=False).measurements, x,
                                                            strict=True))
        )  # fmt: skip

    cohort = make_cohort("walks", [walk(i) for i in range(3)], freeliving.UNITS)
    twin = replace(freeliving.TWIN, forecasters={"ARX": ARX(freeliving.INPUTS, readings=30)})
    found = sample_efficiency.run(
        twin, stand_in("forecasts", build_cohort=cohort), forecasters=["ARX"], days=[1.0], **SETTINGS
    )
    assert found.values["crps_arx_30_1_days"].value > 1.02 * found.values["crps_arx_30_all"].value


class Late:
    """Forecasts nonsense until it is fitted to more than a day."""

    name, kind = "late", "data-driven"

    def fit(self, cohort, draws):
        self.off = 0.0 if all(np.ptp(readings(p).times) > 1440.0 for p in cohort.patients) else 500.0
        return self

    def paths(self, cohort, patient, origins, members, draws):
        noise = np.random.default_rng(0).normal(size=(origins.size, 12, members))
        return truths(patient, origins)[:, :, None] + self.off + noise


def test_a_learner_that_little_data_leave_behind_is_named(context):
    twin = replace(freeliving.TWIN, forecasters={"late": Late()})
    found = sample_efficiency.run(twin, context, forecasters=["late"], days=[0.75], folds=2, **SETTINGS)
    told = "Fitted to 0.75 days of each patient, late forecasts worse than persistence at 30, 60, 120, 180 min."
    assert found.negative == (told,)


def test_too_many_folds_are_refused(context):
    with pytest.raises(InputError, match="folds"):
        sample_efficiency.run(freeliving.TWIN, context, folds=9, **SETTINGS)
