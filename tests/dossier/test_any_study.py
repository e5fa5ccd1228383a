"""The pages know no drug and no ward: their words come from the twin, the plan and the evidence."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from dossier.factory import ROOT, twin
from dossier.made_up import fisher, forecasts
from dossier.parsed import parse

from vvuq.dossier.figures.bands import example
from vvuq.dossier.figures.information import by_samples
from vvuq.dossier.labels import head_label, value_label
from vvuq.record import Table

OF_ONE_STUDY = re.compile(
    r"neonat|apgar|phenobarb|trough|\bserum\b|mg/L|\bCL\b.*\bV\b|seizure|weight_kg", re.IGNORECASE
)
FILES = [
    path
    for folder in ("vvuq/analyses", "vvuq/dossier", "templates")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".html", ".css") and "new" not in path.relative_to(ROOT / folder).parts
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_generic_file_speaks_of_one_study(path) -> None:
    """Docstrings may give CL or mg/L as an example of a name or a unit."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if OF_ONE_STUDY.search(line)]
    assert [line for line in lines if '"""' not in line] == []


def test_labels_of_parameters_are_the_twins() -> None:
    assert value_label("CL", twin()) == "Clearance per kg of body weight (CL)"
    assert value_label("omega_ka") == "SD between patients of log ka"
    assert value_label("shrinkage_k") == "Shrinkage of k"
    assert value_label("median_rse_Vmax") == head_label("median_rse_Vmax") == "Median RSE of Vmax"
    assert value_label("n_below_population_k").endswith("less than the population does of k")
    assert value_label("ST_k_in") == "Total index of k_in"
    assert value_label("sd_log_k_1") == "SD of log k after 1 sample"
    assert value_label("crps_gain_recurrent_network_60") == "Gain in CRPS over persistence: recurrent network, 60 min"
    assert value_label("coverage90_walk_180_elsewhere") == "Coverage of the 90 % interval: walk, 180 min (elsewhere)"
    assert value_label("brier_skill_new_walk") == "Brier skill, moments not low already: walk"
    assert value_label("rmse_l96_etkf") == "Rmse l96 etkf", "a score of no forecaster"
    assert value_label("evppi_k_in") == "Value of knowing k_in exactly (EVPPI)"
    assert value_label("evsi_2") == "Value of measurement (EVSI), number 2"
    assert value_label("below_1_low") == "Probability below threshold 1, least found"
    assert value_label("q05_high") == "5 % quantile of the quantity, greatest found"
    assert value_label("patient_sd_last") == "Ignorance of this patient, SD after the last"
    assert value_label("baseline_coverage_90") == "Baseline: Coverage of 90 % intervals"
    assert head_label("rse_k") == "RSE of k" and head_label("patients") == "Patients"


def test_the_information_figure_draws_whatever_parameters_there_are() -> None:
    table = fisher().tables["by_samples"]
    one = replace(
        table,
        columns=(*table.columns[:4], "median_rse_kel", "median_abs_correlation"),
        units=("1",) * 6,
        rows=tuple((*row[:5], row[6]) for row in table.rows),
    )
    text = parse(by_samples("f", one, 100.0, 0.95, "alt")).text()
    assert "kel" in text and "CL" not in text


def test_the_bands_are_of_the_observable_that_was_compared() -> None:
    bands: Table = forecasts("holdout", "?", 12, 1.0).tables["bands"]
    moved = replace(bands, units=tuple("mmol/L" if unit == "mg/L" else unit for unit in bands.units))
    assert "Glucose [mmol/L]" in parse(example("f", moved, "Glucose", "alt")).text()
