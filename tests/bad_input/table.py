"""All cases of bad input, area by area."""

from __future__ import annotations

from bad_input import (
    card_cases,
    cohort_cases,
    command_cases,
    diary_cases,
    environment_cases,
    icu_cases,
    plan_cases,
    store_cases,
    twin_cases,
)

_TABLES = (
    plan_cases,
    cohort_cases,
    diary_cases,
    icu_cases,
    card_cases,
    twin_cases,
    command_cases,
    store_cases,
    environment_cases,
)
CASES = tuple(case for one in _TABLES for case in one.CASES)
AREAS = tuple(dict.fromkeys(case.area for case in CASES))
