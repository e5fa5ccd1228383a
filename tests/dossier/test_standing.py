"""The decision sentence, the counts and the limits follow the verdicts, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from dossier.factory import EVENTS, REPRODUCE, Stored, plan, records, stored, twin, verdicts

from vvuq.dossier.source import Source
from vvuq.dossier.standing import STATUSES, Unmet, counts, decision, strongest_limits, unmet
from vvuq.record import LeafStatus


def source(status: LeafStatus | None = None, found: tuple[Stored, ...] | None = None) -> Source:
    """The made-up study; with `status`, all leaves have it."""
    made, kept = plan(), records() if found is None else found
    graded = verdicts(made, kept)
    if status:
        graded = tuple(replace(verdict, status=status) for verdict in graded)
    return Source(made, graded, kept, EVENTS, twin(), False, REPRODUCE)


def test_every_status_has_a_symbol_and_words_of_its_own() -> None:
    assert set(STATUSES) == set(get_args(LeafStatus))
    assert len(set(STATUSES.values())) == len({symbol for symbol, _ in STATUSES.values()}) == len(STATUSES)


@pytest.mark.parametrize("status", get_args(LeafStatus))
def test_only_met_counts_as_met(status: LeafStatus) -> None:
    state, sentence = decision(source(status))
    expected = {"met": "met", "waived": "met", "not_met": "not_met"}.get(status, "gap")
    assert state == expected
    assert ("All goals" in sentence) == (expected == "met")
    assert len(unmet(source(status))) == (0 if status == "met" else 23)
    assert [(count.status, count.number.value) for count in counts(source(status))] == [(status, 23)]


def test_one_failed_goal_decides() -> None:
    assert decision(source())[0] == "not_met"
    assert unmet(source())[0].status == "not_met"


def test_three_limits_lead_with_the_failed_goal() -> None:
    limits = strongest_limits(source())
    assert len(limits) == 3
    assert isinstance(limits[0].text, Unmet)
    assert limits[0].text.failed is not None and limits[0].text.failed.met is False


def test_without_evidence_the_limits_name_the_gaps() -> None:
    limits = strongest_limits(source(found=()))
    assert any("Nothing is known yet" in str(limit.text) for limit in limits)


def test_the_record_that_was_graded_is_shown_and_not_a_later_one() -> None:
    kept = records()
    holdout = next(record for record in kept if record.evidence.analysis == "holdout")
    later = replace(stored(holdout.evidence, 99), id="E-later0000000")
    assert source(found=kept).current["holdout"].id == holdout.id
    base = source(found=kept)
    both = replace(base, records=(*kept, later))
    assert both.current["holdout"].id == holdout.id
    free = replace(both, verdicts=())
    assert free.current["holdout"].id == later.id
