"""What holds for every analysis: it is found, its Evidence is plain, finite, named as agreed and repeatable."""

import json
import math
import sys
from dataclasses import replace

import pytest
from examples import pk

from vvuq.analyses import analysis, check
from vvuq.collect import collect
from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError
from vvuq.record import Analysis, Check, Quantity

METRICS = (
    "n_patients n_predictions mdpe mdape crps coverage_50 coverage_80 coverage_90 coverage_95 baseline_mdpe "
    "baseline_mdape baseline_crps crps_skill mdape_gain interval90_width baseline_interval90_width epistemic_share_0 "
    "epistemic_share_1 epistemic_share_2 n_leaked"
)
VALUES = {
    "cohort": "n_screened n_excluded n_analysed n_build n_held_out n_overlap n_measurements n_doses",
    "population_fit": "objective n_patients n_measurements shrinkage_CL shrinkage_V CL V apgar_effect "
    "omega_CL omega_V sigma",
    "convergence": "observed_order theoretical_order order_deviation finest_error adaptive_error adaptive_tolerance",
    "filter_exactness": "mean_difference covariance_difference log_likelihood_difference n_cases",
    "filter_consistency": "n_patients n_measurements nis spread_factor correlation p_nis p_nis_by_patient p_pit "
    "p_whiteness n_rejected detectable_overconfidence detectable_underconfidence detectable_correlation "
    "simulated_patients simulated_nis simulated_innovation_factor simulated_state_factor simulated_parameter_factor "
    "simulated_correlation simulated_rejected failed_steps",
    "cross_validation": METRICS,
    "holdout": METRICS,
    "sensitivity": "qoi_mean qoi_sd qoi_low95 qoi_high95 largest_disagreement agreement pce_validation_error "
    "n_runs_sobol n_runs_pce sum_first_order share_both S1_CL ST_CL S1_V ST_V S1_apgar_effect ST_apgar_effect",
    "solver_agreement": "largest_difference typical_difference adaptive_difference largest_value n_patients "
    "n_patients_failed",
    "information_value": "benefit_1 benefit_2 lead chosen evpi evsi_1 evsi_2 changes_1 changes_2 evppi_CL evppi_V "
    "n_members n_members_lost n_populations n_runs",
    "probability_bounds": "below_1_low below_1_high below_1_precise below_2_low below_2_high below_2_precise width_1 "
    "width_2 mean_low mean_high mean_precise q05_low q05_high q05_precise q50_low q95_high n_drawn n_both n_intervals "
    "n_held_at_middle n_draws n_places n_runs",
    "fisher": "n_patients n_rank_deficient n_cannot_separate share_cannot_separate median_rse_CL median_rse_V",
}
TABLES = {
    "cohort": "flow table1 missingness",
    "population_fit": "estimates",
    "convergence": "refinement cases",
    "filter_exactness": "cases",
    "filter_consistency": "decisions simulated nis pit power",
    "cross_validation": "by_history coverage by_group",
    "holdout": "by_history coverage by_group predictions worst bands",
    "sensitivity": "indices inputs looks course density",
    "information_value": "actions information",
    "probability_bounds": "alone band bounds inputs quantiles",
    "solver_agreement": "steps",
    "fisher": "by_samples patients",
}
WITH_INTERVAL = {
    "population_fit": "CL V apgar_effect omega_CL omega_V sigma",
    "convergence": "observed_order",
    "filter_consistency": "nis spread_factor simulated_innovation_factor simulated_parameter_factor simulated_rejected",
    "holdout": "mdpe mdape crps coverage_90 crps_skill",
    "cross_validation": "mdpe mdape crps coverage_90 crps_skill",
    "sensitivity": "S1_CL ST_CL S1_V ST_V",
    "information_value": "benefit_1 lead evpi evsi_1 evsi_2 changes_2 evppi_CL",
    "probability_bounds": "below_1_low below_2_high below_1_precise",
}
OF_EXPERIMENTS = {"filter_skill", "filter_reference", "filter_cost"}  # see test_filter_experiments.py
OF_FORECASTERS = {  # see test_forecasts.py
    "forecast_comparison", "forecast_holdout", "interpretability", "sample_efficiency", "scaffold_bias", "utility",
}  # fmt: skip
OF_LAYERS = {"noise_and_ignorance"}  # see test_noise_and_ignorance.py
OF_SLOTS = {"state_space_fit", "slot_forecast"}  # see test_slotted.py
OF_FOLLOWING = {"tracking_fit", "what_if", "tracking_consistency", "scaffold_answers"}  # each has a file of its own
OF_CARE = {  # each has a file of its own
    "care_process", "missingness_patterns", "misuse", "orders_comparison", "orders_holdout", "orders_sensitivity",
    "recovery", "sensor_gaps",
}  # fmt: skip
ELSEWHERE = OF_LAYERS | OF_SLOTS | OF_EXPERIMENTS | OF_FORECASTERS | OF_FOLLOWING | OF_CARE
OPENED = {"cohort", "fisher", "holdout"}
every = pytest.mark.parametrize("name", list(VALUES))


@every
def test_values_and_tables_have_the_names_agreed(found, name):
    evidence = found[name]
    assert set(VALUES[name].split()) <= set(evidence.values)
    assert set(TABLES[name].split()) <= set(evidence.tables)
    for wanted in WITH_INTERVAL.get(name, "").split():
        q = evidence.values[wanted]
        assert q.low <= q.value <= q.high and q.level == pytest.approx(0.95) and q.kind is not None, wanted
    assert (evidence.analysis, evidence.stream, evidence.status, evidence.twin) == (name, name, "done", "pk")
    assert evidence.question.endswith("?") and evidence.version >= 1


def test_every_analysis_declares_what_it_reports_with_its_unit(found, settings_of):
    """Before anything is run: from the twin and the settings alone."""
    assert set(found) == set(collect("vvuq.analyses", Analysis)) - ELSEWHERE
    for name, one in collect("vvuq.analyses", Analysis).items():
        if name in ELSEWHERE:
            continue
        declared = one.metrics(pk(), settings_of[name])
        assert {key: q.unit for key, q in found[name].values.items()} == declared, name


def test_with_few_patients_nothing_is_reported_that_was_not_declared(analyse, stand_in, parts, settings_of, analyses):
    """Few held-out patients have three samples: values are left out then, none is added or changes its unit."""
    short = [replace(p, measurements=p.measurements[:2]) for p in parts[1].patients]
    part = make_cohort("short", short, dict(parts[1].units))
    found = analyse("holdout", stand_in("holdout", sealed_cohort=part))
    declared = analyses["holdout"].metrics(pk(), settings_of["holdout"])
    assert {key: q.unit for key, q in found.values.items()}.items() < declared.items()


@every
def test_values_are_finite_plain_numbers(found, name):
    for key, q in found[name].values.items():
        assert type(q) is Quantity and type(q.value) is float and math.isfinite(q.value), key
        for part in (q.low, q.high, q.level, q.lower95, q.upper95):
            assert part is None or (type(part) is float and math.isfinite(part)), key
        assert q.n is None or type(q.n) is int, key
        assert q.kind in (None, "aleatory", "epistemic", "numerical") and type(q.unit) is str, key


@every
def test_tables_hold_plain_finite_cells_and_fit_their_columns(found, name):
    for key, table in found[name].tables.items():
        assert len(table.columns) == len(table.units) == len(set(table.columns)), key
        assert table.rows, key
        for row in table.rows:
            assert type(row) is tuple and len(row) == len(table.columns), key
            for cell in row:
                assert type(cell) in (str, float, int, bool, type(None)), (key, cell)
                assert not isinstance(cell, float) or math.isfinite(cell), (key, row)
        assert table.individual == ("patient" in table.columns), "rows about one patient are marked"


@every
def test_what_went_in_is_recorded_as_json(found, name):
    text = json.dumps(found[name].inputs, allow_nan=False, sort_keys=True)
    assert json.loads(text) == found[name].inputs


@every
def test_no_sentence_names_a_patient(found, parts, name):
    ids = {p.id for part in parts for p in part.patients}
    for sentence in (*found[name].findings, *found[name].negative):
        assert sentence.endswith((".", "%.", "!")) and not any(f"patient {i} " in sentence for i in ids)


@every
def test_the_same_streams_give_the_same_evidence_after_any_other_analysis(found, analyse, stand_in, name):
    """Run again, last ones first; other streams of the same context have been drawn from."""
    context = stand_in(name)
    context.stream("another").normal(size=1000)
    again = analyse(name, context)
    assert again.values == found[name].values
    assert again.tables == found[name].tables
    assert (again.findings, again.negative, again.inputs) == (
        found[name].findings, found[name].negative, found[name].inputs,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["filter_exactness", "filter_consistency", "holdout", "sensitivity"])
def test_another_seed_gives_other_numbers(found, analyse, stand_in, name):
    assert analyse(name, stand_in(name, seed=2)).values != found[name].values


@every
def test_held_out_patients_are_opened_only_where_they_are_needed_and_with_a_reason(found, contexts, name):
    assert found[name].status == "done"
    assert len(contexts[name].opened) == (1 if name in OPENED else 0)
    assert all(contexts[name].opened)


def test_all_analyses_and_checks_are_collected():
    analyses, checks = collect("vvuq.analyses", Analysis), collect("vvuq.analyses", Check)
    assert set(VALUES) <= set(analyses)
    assert list(analyses) == sorted(analyses)
    assert len(checks) >= 6
    for one in checks.values():
        assert one.analysis in analyses, one.name
    for one in analyses.values():
        assert one.run.__doc__ and one.question.endswith("?"), one.name


def test_checks_speak_of_leaves_and_rungs(found):
    for one in collect("vvuq.analyses", Check).values():
        for finding in () if one.analysis in ELSEWHERE else one.run(found[one.analysis]):
            assert finding.leaf.split(".")[0] in ("verification", "validation", "applicability")
            assert finding.gradation in "abcde" and finding.reason


def package(folder, **modules):
    """A package of analyses on the path; each module declares the analysis it names."""
    (folder / "__init__.py").write_text("")
    for module, name in modules.items():
        (folder / f"{module}.py").write_text(
            "from vvuq.analyses import analysis, check\n\n\n"
            f"@analysis('Which?', suite='test')\ndef {name}(twin, context):\n    return None\n"
        )


def test_a_new_file_is_found_and_a_taken_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("good_analyses", "bad_analyses"):
        (tmp_path / name).mkdir()
    package(tmp_path / "good_analyses", one="first", two="second")
    found = collect("good_analyses", Analysis)
    assert list(found) == ["first", "second"] and found["first"].suite == "test"
    package(tmp_path / "bad_analyses", one="first", two="first")
    with pytest.raises(InputError, match=r"bad_analyses.two: name: 'first' .*bad_analyses.one has not taken"):
        collect("bad_analyses", Analysis)
    for module in [m for m in sys.modules if m.startswith(("good_analyses", "bad_analyses"))]:
        del sys.modules[module]


def test_decorators_return_values_and_do_not_register():
    before = set(collect("vvuq.analyses", Analysis))

    @analysis("Is it?", suite="test", version=3)
    def mine(twin, context):
        return None

    @check("mine")
    def judged(found):
        return ()

    assert (mine.name, mine.version, judged.name, judged.analysis) == ("mine", 3, "judged", "mine")
    assert set(collect("vvuq.analyses", Analysis)) == before
