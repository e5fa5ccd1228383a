"""A function of a twin travels by the twin's path and gives the same bits elsewhere."""

import pickle
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from examples import ROOT
from vvuq.analyses.uncertainty.prior_sensitivity import _model, _uncertain

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


def points(twin, n):
    return np.random.default_rng(1).uniform(0.01, 0.99, (len(_uncertain(twin)), n))


def test_the_way_there_and_back():
    twin = glucose("uva_padova")
    function = portable(twin, _model, **MEAL)
    there = pickle.loads(pickle.dumps(function))
    assert has_key(function) and there.key() == function.key()
    assert str(ROOT) not in function.key() and "uva_padova" in function.key() and "meal_with_bolus" in function.key()
    assert there(points(twin, 3)).tobytes() == function(points(twin, 3)).tobytes()
    assert len({portable(one, _model, **(MEAL | more)).key() for one, more in (
        (twin, {}), (twin, {"over": 60.0}), (glucose(), {}), (twin, {"use": {"scenario": "bolus_withheld"}}),
    )}) == 4  # fmt: skip


def test_a_twin_of_memory_stays_here():
    function = portable(replace(glucose(), path=""), _model, **MEAL)
    assert not has_key(function)
    assert np.isfinite(function(points(glucose(), 2))).all()


def test_a_twin_that_was_changed_here_is_refused_there():
    changed = replace(glucose(), method=RK4(2.0))
    text = pickle.dumps(portable(changed, _model, **MEAL))
    with pytest.raises(InputError, match="one that was changed in memory"):
        pickle.loads(text)


def test_columns_do_not_depend_on_their_neighbours():
    """What a campaign relies on: cut anywhere, the bits are the same."""
    function, cube = portable(glucose(), _model, **MEAL), points(glucose(), 40)
    whole = function(cube)
    for width in (1, 3, 16, 17):
        parts = [function(np.ascontiguousarray(cube[:, i : i + width])) for i in range(0, 40, width)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


@pytest.mark.slow
def test_processes_give_the_same_bits(tmp_path):
    function, cube = portable(glucose(), _model, **MEAL), points(glucose(), 400)
    with Processes(2) as executor:
        found = run_campaign(function, cube, store=tmp_path / "s", executor=executor, settings=Settings(code="c"))
    assert found.values.tobytes() == function(cube).tobytes()
