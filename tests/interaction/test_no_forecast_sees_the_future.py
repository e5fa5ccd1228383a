"""Every forecaster of the project, the baselines' and the twins': altering all that comes after an origin changes
nothing, bit for bit."""

from dataclasses import replace

import freeliving
import numpy as np
import pytest

from vvuq.interaction.arx import ARX
from vvuq.interaction.baselines import baselines
from vvuq.interaction.corrected import Corrected
from vvuq.interaction.course import Input
from vvuq.interaction.forecaster import Forecaster, eligible
from vvuq.interaction.network import Training
from vvuq.interaction.personal import Personal
from vvuq.interaction.recurrent import Recurrent
from vvuq.models.twin import load_twin
from vvuq.numerics.streams import Draws
from vvuq.paths import shipped
from vvuq.testing.foresight import sees_the_future


def quick(one: Forecaster) -> Forecaster:
    """A forecaster whose fit is short: what it may know does not depend on how well it was fitted."""
    if isinstance(one, Corrected):
        return replace(one, core=quick(one.core), learn=one.brief)
    return replace(one, every=720.0, evaluations=3) if isinstance(one, Personal) else one


TWINS = [path for path in sorted(shipped("twins").iterdir()) if (path / "__init__.py").is_file()]
OF_TWINS = {f"{path.name}/{name}": quick(one) for path in TWINS for name, one in load_twin(path).forecasters.items()}
INPUTS = (
    Input("meal", ("carbohydrate",), lags=4),
    Input("slow", ("long_insulin",), half_life=480.0),
    Input("flow", ("basal_insulin",), flow=True),
)
SMALL = Recurrent(INPUTS, hidden=4, networks=2, training=Training(epochs=2))
EVERY: dict[str, Forecaster] = {**baselines(), "ARX": ARX(INPUTS), "recurrent network": SMALL, **OF_TWINS}
COHORT = freeliving.cohort(3, days=1.5)
DRAWS = Draws(11, "test")


@pytest.mark.parametrize("name", EVERY)
def test_a_forecast_uses_nothing_after_its_origin(name):
    fitted = EVERY[name].fit(COHORT, DRAWS)
    origins = eligible(COHORT.patients[0], stride=300.0)
    assert origins.size >= 3
    assert sees_the_future(fitted, COHORT, origins, DRAWS, np.random.default_rng(1)) is None


@pytest.mark.parametrize("name", EVERY)
def test_a_name_says_which_it_is(name):
    assert EVERY[name].name == name.rpartition("/")[2]
    assert EVERY[name].kind in ("mechanistic", "hybrid", "data-driven", "baseline")
