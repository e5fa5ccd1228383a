"""Section 14: what a forecast does not know, split into noise that stays and ignorance that data remove."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.bands import example, narrowing
from vvuq.dossier.figures.box import box
from vvuq.dossier.figures.layers import layers
from vvuq.dossier.figures.worth import worth
from vvuq.dossier.labels import UNCERTAINTY, words
from vvuq.dossier.source import Source, texts_of
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence

_CAPTION = "Noise and ignorance, and what is not known of the patient, by earlier samples"
_OF_PATIENTS = ("holdout", "cross_validation")
_LAYERS = (
    "epistemic_share_first", "epistemic_share_last", "width95_first", "width95_last", "narrowed", "coverage95",
    *(f"{part}_sd_{when}" for part in ("population", "patient", "change", "measurement", "total")
      for when in ("first", "last")),
    "numerical_sd",
)  # fmt: skip
_COLUMNS = ("samples", "epistemic_sd", "aleatory_sd", "band90_width")


@dataclass(frozen=True, slots=True)
class View:
    """The split of simulated patients' forecasts; where the plan has them what intervals leave open of a probability,
    what measurements are worth, and the split of both validation analyses."""

    blocks: tuple[Block, ...]
    bounds: bool = False  # whether bounds of a probability are among them
    worths: bool = False  # whether values of measurements are


def build(source: Source) -> View:
    """From the evidence of noise_and_ignorance, and of probability_bounds, information_value, holdout and
    cross_validation where they are planned."""
    of_patients = tuple(_block(source, name) for name in _OF_PATIENTS if name in source.plan.analyses)
    first = (_layers(source),) if "noise_and_ignorance" in source.plan.analyses or not of_patients else ()
    bounds = (_bounds(source),) if "probability_bounds" in source.plan.analyses else ()
    worths = (_worths(source),) if "information_value" in source.plan.analyses else ()
    return View((*first, *bounds, *worths, *of_patients), bool(bounds), bool(worths))


def _layers(source: Source) -> Block:
    return block(source, "noise_and_ignorance", _LAYERS, ("layers", "band"), (_figure,), section="uncertainty")


def _figure(ident: str, evidence: Evidence) -> Figure | None:
    parts, band = evidence.tables.get("layers"), evidence.tables.get("band")
    if parts is None or band is None or not parts.rows:
        return None
    told = texts_of(parts, ("values", "epistemic_share", "total_sd"))
    rows = "; ".join(f"{count} values: {share} % ignorance, SD {sd} in all" for count, share, sd in told)
    alt = f"Variance of the forecast by its parts: {rows}. Beside it the 95 % band of one simulated patient."
    svg = layers("figure-layers", parts, band, alt)
    return Figure("figure-layers", svg, alt, "What data take away of a forecast's uncertainty, and what stays", ident)


def _bounds(source: Source) -> Block:
    """The table of quantiles and the figure say what the values of quantiles do."""
    record = source.current.get("probability_bounds")
    values = record.evidence.values if record else {}
    places = range(1, sum(key.startswith("width_") for key in values) + 1)
    first = [
        *(f"below_{i}_{end}" for i in places for end in ("low", "high", "precise")), *(f"width_{i}" for i in places)
    ]  # fmt: skip
    omit = [key for key in values if key.startswith(("mean_", "q0", "q5", "q9"))]
    tables = ("bounds", "quantiles", "alone", "inputs")
    return block(
        source, "probability_bounds", first, tables, (_box,), section="uncertainty", omit=(*omit, "band")
    )  # fmt: skip


def _box(ident: str, evidence: Evidence) -> Figure | None:
    band, bounds = evidence.tables.get("band"), evidence.tables.get("bounds")
    if band is None or bounds is None or not band.rows:
        return None
    told = texts_of(bounds, ("threshold", "below_low", "below_high", "below_precise"))
    rows = "; ".join(f"below {at}: {low} to {high} %, {by} % by distributions" for at, low, high, by in told)
    alt = f"Bounds of the distribution function over the inputs in intervals. {rows}."
    what = str(evidence.inputs.get("meaning", "quantity of interest"))
    svg = box("figure-box", band, bounds, words(what), alt)
    return Figure("figure-box", svg, alt, "Where the distribution lies if of some inputs only ends are known", ident)


def _worths(source: Source) -> Block:
    """The table says of each measurement and parameter what the values do."""
    record = source.current.get("information_value")
    values = record.evidence.values if record else {}
    omit = [key for key in values if key.startswith(("evsi_", "evppi_", "changes_", "benefit_"))]
    first, tables = ("evpi", "lead"), ("actions", "information")
    return block(
        source, "information_value", first, tables, (_worth,), section="uncertainty", omit=(*omit, "chosen")
    )  # fmt: skip


def _worth(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("information")
    if table is None or not table.rows:
        return None
    told = texts_of(table, ("kind", "what", "value", "value_low", "value_high"))
    rows = "; ".join(
        f"{what}: {value} ({low} to {high})" for kind, what, value, low, high in told if kind != "parameter"
    )
    alt = f"Gain in expected benefit by knowing more before deciding. {rows}."
    svg = worth("figure-worth", table, alt)
    return Figure("figure-worth", svg, alt, "Value of measurements and of parameters, below that of everything", ident)


def _block(source: Source, name: str) -> Block:
    tables = ("narrowing", "learning")
    return block(source, name, UNCERTAINTY, tables, (_narrowing, _example), section="uncertainty", again=True)


def _narrowing(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("narrowing")
    if table is None or not table.rows:
        return None
    name = f"figure-narrowing-{evidence.analysis.replace('_', '-')}"
    rows = texts_of(table, _COLUMNS)
    parts = [f"{count} earlier: ignorance {part}, noise {rest}, band {wide}" for count, part, rest, wide in rows]
    alt = "Forecasts of the third measurement, standard deviations and 90 % band: " + "; ".join(parts) + "."
    return Figure(name, narrowing(name, table, evidence.tables.get("learning"), alt), alt, _CAPTION, ident)


def _example(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("bands")
    if table is None or not table.rows:
        return None
    name = f"figure-bands-{evidence.analysis.replace('_', '-')}"
    alt = "Forecast bands of one patient after each sample. Inner band: ignorance; outer band: the whole forecast."
    svg = example(name, table, words(str(evidence.inputs.get("observable", "observed value"))), alt)
    return Figure(name, svg, alt, "One patient: nested 90 % bands after each sample", ident)


SECTION = Section("uncertainty", 14, "Uncertainty of forecasts: noise and ignorance", build)
