"""Each number and quotation of the page is what the store, the plan or the twin holds, and follows it."""

from __future__ import annotations

from dataclasses import replace

from dossier.factory import dossier, plan, records, stored, tree, twin
from dossier.made_up import all_evidence
from dossier.parsed import parse

from vvuq.dossier.render import page
from vvuq.dossier.source import lookup
from vvuq.record import Quantity


def test_each_number_of_the_evidence_is_the_stored_one() -> None:
    at_hand = {record.id: record.evidence for record in records()}
    numbers = [number for number in tree().all("data") if "data-evidence" in number.attributes]
    assert len(numbers) > 500
    for number in numbers:
        found = lookup(at_hand[number.attributes["data-evidence"]], number.attributes["data-key"])
        assert found is not None
        assert float(number.attributes["value"]) == float(found)
        assert number.text().strip()


def test_each_quotation_of_the_evidence_is_the_stored_one() -> None:
    at_hand = {record.id: record.evidence for record in records()}
    quoted = [span for span in tree().all("span") if "data-evidence" in span.attributes]
    assert len(quoted) > 100
    for span in quoted:
        found = lookup(at_hand[span.attributes["data-evidence"]], span.attributes["data-key"])
        said = {True: "yes", False: "no"}.get(found, found) if isinstance(found, bool) else found
        assert span.text() == said


def test_each_number_of_the_plan_and_of_the_twin_is_theirs() -> None:
    made, parameters = plan(), {item.name: item for item in twin().model.parameters}
    for number in tree().all("data", data_source="plan"):
        path = number.attributes["data-key"].split("/")
        if path[0] == "factors" and path[2] == "criteria":
            expected = getattr(made.factors[path[1]].criteria[int(path[3])], path[4])
            assert float(number.attributes["value"]) == expected
            assert float(number.text().replace("\u2212", "-").replace("\u00a0×\u00a010⁻¹⁰", "e-10")) == expected
        if path[0] == "context_of_use":
            expected = getattr(made.context_of_use.envelope[int(path[2])], path[3])
            assert float(number.attributes["value"]) == expected
    priors = [n for n in tree().all("data", data_source="twin") if "/prior/" in n.attributes["data-key"]]
    assert len(priors) == 6
    for number in priors:
        _, name, _, part = number.attributes["data-key"].split("/")
        assert float(number.attributes["value"]) == getattr(parameters[name].prior, part)


def test_each_evidence_has_an_entry_with_all_its_values() -> None:
    for record in records():
        entry = tree().all("article", id=record.id)[0]
        shown = {n.attributes["data-key"] for n in entry.all("data") if n.attributes["data-key"].endswith("/value")}
        assert shown == {f"values/{name}/value" for name in record.evidence.values}


def test_linked_numbers_lead_to_their_record() -> None:
    links = [link for link in tree().all("a") if "src" in link.classes()]
    assert len(links) > 100
    for link in links:
        assert link.attributes["href"] == "#" + link.all("data")[0].attributes["data-evidence"]


CHANGED = {"holdout": "mdape", "convergence": "observed_order", "sensitivity": "qoi_mean", "population_fit": "V",
           "fisher": "share_cannot_separate", "cohort": "n_overlap", "filter_exactness": "mean_difference",
           "filter_consistency": "spread_factor"}  # fmt: skip


def test_a_changed_value_changes_the_page() -> None:
    found = []
    for place, item in enumerate(all_evidence()):
        new = {CHANGED[item.analysis]: Quantity(77.25 + place, "1")} if item.analysis in CHANGED else {}
        found.append(stored(replace(item, values={**item.values, **new}, tables={}), place))
    changed = parse(page(dossier(tuple(found))))
    for record in found:
        if record.evidence.analysis in CHANGED:
            key = f"values/{CHANGED[record.evidence.analysis]}/value"
            shown = changed.all("data", data_evidence=record.id, data_key=key)
            assert len(shown) >= 2  # in its section and in the index
            expected = record.evidence.values[CHANGED[record.evidence.analysis]].value
            assert {float(number.attributes["value"]) for number in shown} == {expected}
            assert {number.text()[:2] for number in shown} == {str(expected)[:2]}


def test_a_value_that_is_not_finite_prints_as_not_evaluated() -> None:
    holdout = next(item for item in all_evidence() if item.analysis == "holdout")
    broken = Quantity(float("nan"), "mg/L", float("nan"), 2.0, 0.95)
    found = replace(holdout, values={**holdout.values, "crps": broken}, tables={})
    text = parse(page(dossier((stored(found),)))).text()
    assert "Forecast score (CRPS)not evaluated" in text
    assert "nan" not in text.lower().split()
