"""A function of a twin travels by the twin's path and gives the same bits elsewhere."""

import pickle
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from examples import ROOT

from vvuq.analyses.uncertainty.quantity import _quantity
from vvuq.campaign.campaign import Settings, run_campaign
from vvuq.campaign.function import has_key
from vvuq.campaign.processes import Processes
from vvuq.errors import InputError
from vvuq.models import RK4
from vvuq.models.portable import portable
from vvuq.models.twin import load_twin

MEAL = {"use": {"scenario": "meal_with_bolus"}, "take": "highest", "over": 180.0}


@cache
def glucose(rival=""):
    path = ROOT / "twins" / "glucose"
    return replace(load_twin(path, rival), path=str(path))


def middle(twin):
    return [p.prior.quantile(0.5) for p in twin.model.parameters]


def meal(twin, **changes):
    """The highest reading after a meal, all parameters varied."""
    given = MEAL | {"rows": list(range(len(twin.model.parameters))), "middle": middle(twin)}
    return portable(twin, _quantity, **(given | changes))


def points(twin, n):
    return np.array(middle(twin))[:, None] * np.random.default_rng(1).uniform(0.95, 1.05, (len(middle(twin)), n))


def test_the_way_there_and_back():
    twin = glucose("uva_padova")
    function = meal(twin)
    there = pickle.loads(pickle.dumps(function))
    assert has_key(function) and there.key() == function.key()
    assert str(ROOT) not in function.key() and "uva_padova" in function.key() and "meal_with_bolus" in function.key()
    assert there(points(twin, 3)).tobytes() == function(points(twin, 3)).tobytes()
    assert len({meal(one, **more).key() for one, more in (
        (twin, {}), (twin, {"over": 60.0}), (glucose(), {}), (twin, {"use": {"scenario": "bolus_withheld"}}),
    )}) == 4  # fmt: skip


def test_a_twin_of_memory_stays_here():
    function = meal(replace(glucose(), path=""))
    assert not has_key(function)
    assert np.isfinite(function(points(glucose(), 2))).all()


def test_a_twin_that_was_changed_here_is_refused_there():
    changed = replace(glucose(), method=RK4(2.0))
    text = pickle.dumps(meal(changed))
    with pytest.raises(InputError, match="one that was changed in memory"):
        pickle.loads(text)


def test_columns_do_not_depend_on_their_neighbours():
    """What a campaign relies on: cut anywhere, the bits are the same."""
    function, cube = meal(glucose()), points(glucose(), 40)
    whole = function(cube)
    for width in (1, 3, 16, 17):
        parts = [function(np.ascontiguousarray(cube[:, i : i + width])) for i in range(0, 40, width)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


@pytest.mark.slow
def test_processes_give_the_same_bits(tmp_path):
    function, cube = meal(glucose()), points(glucose(), 400)
    with Processes(2) as executor:
        found = run_campaign(function, cube, store=tmp_path / "s", executor=executor, settings=Settings(code="c"))
    assert found.values.tobytes() == function(cube).tobytes()
