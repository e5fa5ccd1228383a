"""The patient in intensive care whose lactate is ordered by how it looks: numbers of the twin, and what is refused."""

import math

import numpy as np
import pytest

from vvuq.assimilation.ordered import belief_of, shown, truths
from vvuq.errors import InputError
from vvuq.models.twin import load_twin
from vvuq.numerics.streams import Draws
from vvuq.paths import shipped

TWIN = load_twin(shipped("twins") / "icu_vitals")


def test_lactate_is_measured_the_more_often_the_higher_it_is_and_the_rest_each_hour() -> None:
    of, draws = TWIN.ordered["ward"](hours=24.0), Draws(3, "ordered")
    assert of.times.tolist() == list(range(1, 25)) and of.row == 0
    found = truths(of, 60, draws)
    values = shown(of, of.mechanisms["state"], found, draws)
    there, high = ~np.isnan(values[:, :, 0]), found.states[:, :, 0] > math.log(4.0)
    assert not np.isnan(values[:, :, 1:]).any()
    assert there[high].mean() > 0.5 > 3.0 * there[~high].mean()
    assert abs(found.states[:, 0, 0].mean() - 0.7) < 0.3, "level 0.4 and a start 0.3 above it, as declared"
    assert {name for name, one in of.mechanisms.items() if belief_of(one) is None} == {
        "at_random", "completely_at_random",
    }  # fmt: skip


def test_without_a_slope_orders_do_not_depend_on_lactate() -> None:
    nurse = TWIN.ordered["ward"](slope=0.0).mechanisms["state"]
    assert nurse.intercept == 0.0 and dict(nurse.slopes) == {"log_lactate": 0.0}


@pytest.mark.parametrize("given", [{"hours": 0.0}, {"hours": math.inf}, {"slope": math.nan}])
def test_what_is_no_time_and_no_slope_is_refused(given) -> None:
    with pytest.raises(InputError, match=next(iter(given))):
        TWIN.ordered["ward"](**given)
