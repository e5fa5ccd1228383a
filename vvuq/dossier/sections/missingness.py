"""Section 13: what was measured when; when measurements are ordered, and whether that depends on what they find; what a
filter makes of orders whose reason is known; and where a conclusion flips by what orders are assumed to know."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.care import care
from vvuq.dossier.figures.orders import orders
from vvuq.dossier.figures.patterns import patterns
from vvuq.dossier.figures.tipping import tipping
from vvuq.dossier.numbers import MISSING, show, unit_text
from vvuq.dossier.source import Source, spell, texts_of
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence

MEANINGS = (
    ("Slot", "a time, as long as the sensor's interval, in which something is ordered or not."),
    ("Driver", "what of the record before a slot makes an order in it more or less likely."),
    ("Log score", "logarithm of the probability that was given to what happened, mean over slots: 0 is best."),
    (
        "Missing at random",
        "given the record, orders do not depend on what they would find: then one may pass over why they were given.",
    ),
)
_VALUES = (
    "n_patients", "n_without", "n_slots", "n_left_out", "n_orders", "n_separated", "with_dose", "with_dose_all",
    "reading_difference", "log_score", "log_score_constant", "log_score_gain", "observed_by_predicted", "per_day",
    "drawn_per_day", "drawn_reading_difference", "n_within_per_day", "n_within_reading",
)  # fmt: skip


PATTERN_MEANINGS = (
    ("On record", "from a patient's first dose or measurement to its last, or as long as the plan says."),
    ("Little's test", "do patients in whom other things are missing have the same means?"),
    ("Rejected", "what is missing is not missing completely at random; not rejected, it may be missing in any way."),
)
_COUNTED = ("n_patients", "n_channels", "n_slots", "n_associations", "n_associated")
_TESTED = ("little_statistic", "little_df", "little_p", "n_little_rows", "n_little_patterns", "n_little_small",
           "little_power", "little_errs")  # fmt: skip
_GAPS = ("n_patients", "n_readings", "n_gaps", "n_with_gaps", "n_lost_readings", "gap_begins", "gaps_per_day",
         "gap_ends", "gap_length", "odds_level", "would_be_seen_level", "odds_slope", "would_be_seen_slope",
         "change_over_usual")  # fmt: skip
_DRAWN = ("over_time", "by_day")  # tables that figures show

MECHANISMS = (
    ("Mechanism", "the rule by which it is decided, time after time, whether to measure."),
    ("Missing completely at random", "the odds are the same for everybody at any time. Silence means nothing."),
    (
        "At random, given the record",
        "what is on record decides, such as the last value. Who knows the record may pass over the reason.",
    ),
    ("By the state", "how the patient is decides, seen or not: silence is evidence of the state."),
    ("By the value", "the very value that would be found decides: silence is evidence of the value."),
    ("By care", "the record and the state decide together."),
)
FILTERS = (
    ("Naive", "takes measured values alone. It is deaf to silence: that nobody measures tells it nothing."),
    ("Aware", "takes values and orders, by the mechanism as it is: silence too moves its belief."),
    ("Half, double", "aware, with half and with twice the slope; the intercept is fitted."),
    ("Believed", "takes orders for a sign of the state where they are none; the intercept is fitted."),
    ("Fitted", "the same with its slope fitted too."),
    ("NEES", "squared error over the variance of the belief, 1 on average where the belief is right."),
)

ASSUMED = (
    ("Deaf, aware", "two twins, naive and aware in tables: orders by the record alone, or by the state too."),
    ("Slope", "how much likelier an order is where the state is higher, the record given. 0: orders know no more."),
    ("Log-likelihood", "how well a slope describes the data, all else fitted anew; 0 is the best of those tried."),
    ("Delta adjustment", "wherever it was not measured, the state is so much higher than the deaf twin says."),
    ("Tipping point", "the slope, or the delta, at which the conclusion flips. Is it believable? Then so is the flip."),
)
_SHARES = ("n_persons", "n_slots", "n_orders", "share_naive", "share_aware", "band_low", "band_high", "assumed_low",
           "assumed_high", "n_flips", "n_delta_flips", "log_likelihood_gain")  # fmt: skip
_NEXT = ("n_persons", "n_fitted", "n_leaked", "n_slots", "n_orders", "share_ordered", "order_gain", "crps_gain",
         "value_gain", "n_not_converged")  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """The analyses of patterns, of the care process, of a sensor's gaps, of simulated patients whose orders have a
    known reason, and of what orders are assumed to know, where the plan names them. tipped: the last is asked."""

    patterns: Block | None
    pattern_meanings: tuple[tuple[str, str], ...]
    block: Block | None
    meanings: tuple[tuple[str, str], ...]
    gaps: Block | None
    simulated: tuple[Block, ...]
    mechanisms: tuple[tuple[str, str], ...]
    filters: tuple[tuple[str, str], ...]
    assumed: tuple[Block, ...]
    terms: tuple[tuple[str, str], ...]
    tipped: bool


def build(source: Source) -> View:
    """From the evidence of the suite missingness."""
    return View(
        _patterns(source), PATTERN_MEANINGS, _care(source), MEANINGS, _gaps(source),
        _simulated(source), MECHANISMS, FILTERS, _assumed(source), ASSUMED,
        "orders_sensitivity" in source.plan.analyses,
    )  # fmt: skip


def _gaps(source: Source) -> Block | None:
    if "sensor_gaps" not in source.plan.analyses:
        return None
    evidence = source.evidence("sensor_gaps")
    values = tuple(key for key in _GAPS if evidence and key in evidence.values)
    return block(source, "sensor_gaps", values, ("lengths",), section="missingness")


def _patterns(source: Source) -> Block | None:
    """What follows over time stands in the figure."""
    if "missingness_patterns" not in source.plan.analyses:
        return None
    evidence = source.evidence("missingness_patterns")
    found = evidence.values if evidence else {}
    of_channels = [key for key in found if key not in (*_COUNTED, *_TESTED)]
    values = [key for key in (*_COUNTED, *of_channels, *_TESTED) if key in found]
    tables = ("patterns", "outcome", "groups", "little_columns", "little_power")
    figures = (_over_time, _time_of_day)
    return block(source, "missingness_patterns", values, tables, figures, section="missingness", omit=_DRAWN)


def _over_time(ident: str, evidence: Evidence) -> Figure | None:
    caption = (
        "Since the beginning of the records. Left: share of the patients on record that are measured. "
        "Right: measurements a day, with 95 % intervals over patients"
    )
    return _course(ident, evidence, "over_time", "figure-patterns", (caption, "Time on record"))


def _time_of_day(ident: str, evidence: Evidence) -> Figure | None:
    caption = "By time of day. Left: share of slots with a measurement. Right: measurements a day, with 95 % intervals"
    return _course(ident, evidence, "by_day", "figure-patterns-day", (caption, "Time of day"))


def _course(ident: str, evidence: Evidence, name: str, figure: str, words: tuple[str, str]) -> Figure | None:
    table = evidence.tables.get(name)
    if table is None or not table.rows:
        return None
    told = [
        f"{channel} {begin} to {end}: {share} %, {rate} a day, of {n}"
        for channel, begin, end, n, share, rate in texts_of(
            table, ("channel", "from", "to", "on_record", "measured", "per_day")
        )
        if share != MISSING
    ]
    alt = f"{table.title}. {'; '.join(told)}."
    return Figure(figure, patterns(figure, table, alt, words[1]), alt, words[0], ident)


def _care(source: Source) -> Block | None:
    """Its odds stand in its tables."""
    if "care_process" not in source.plan.analyses:
        return None
    evidence = source.evidence("care_process")
    found = evidence.values if evidence else {}
    values = tuple(key for key in _VALUES if key in found)
    tables = ("informative", "drivers", "calibration", "patients")
    omit = set(found) - set(values)
    return block(source, "care_process", values, tables, (_figure,), section="missingness", omit=omit)


def _figure(ident: str, evidence: Evidence) -> Figure | None:
    drivers, groups = evidence.tables.get("drivers"), evidence.tables.get("calibration")
    if drivers is None or groups is None or not drivers.rows or not groups.rows:
        return None
    odds = [
        f"{name} {value}" + ("" if MISSING in (low, high) else f" ({low} to {high})")
        for name, value, low, high in texts_of(drivers, ("driver", "odds", "low", "high"))
    ]
    odds.append(f"the slot's own reading {spell(evidence, 'odds_now')}")
    shares = [f"{p} % predicted, {there} % observed in {n} slots" for p, there, n in
              texts_of(groups, ("predicted", "observed", "slots"))]  # fmt: skip
    alt = f"Odds ratios with 95 % intervals: {'; '.join(odds)}. Probability of an order: {'; '.join(shares)}."
    caption = "Left: what makes an order likely (square: the reading that it would find). Right: patients left out"
    svg = care("figure-care", drivers, evidence.values.get("odds_now"), groups, alt)
    return Figure("figure-care", svg, alt, caption, ident)


def _simulated(source: Source) -> tuple[Block, ...]:
    """Errors of each filter stand in the tables."""
    out = []
    for name, draw in (("recovery", (_recovered,)), ("misuse", ())):
        if name in source.plan.analyses:
            evidence = source.evidence(name)
            found = evidence.values if evidence else {}
            values = [key for key in found if key.startswith(("n_", "measured_", "slope_share_"))]
            omit = {*found, "course"} - set(values)
            out.append(block(source, name, values, ("filters", "silence"), draw, section="missingness", omit=omit))
    return tuple(out)


def _recovered(ident: str, evidence: Evidence) -> Figure | None:
    course, silence, filters = (evidence.tables.get(name) for name in ("course", "silence", "filters"))
    if course is None or silence is None or not filters or not (course.rows and silence.rows and filters.rows):
        return None
    why = texts_of(filters, ("mechanism",))[0][0]
    truth, naive, aware = texts_of(course, ("truth", "naive", "aware"))[-1]
    unit = unit_text(silence.units[silence.columns.index("naive_bias")])
    errors = [
        f"{begin} to {end} decisions ago {one} and {other}"
        for begin, end, one, other in texts_of(silence, ("from", "to", "naive_bias", "aware_bias"))
    ]
    alt = (
        f"Orders by {why}. At the end of one patient's record: truth {truth} {unit}, values alone {naive}, values "
        f"and orders {aware}. Mean error of both by when the last measurement was: {'; '.join(errors)} {unit}."
    )
    caption = (
        f"Orders by {why}. Left: the simulated patient in the middle of all by the mean error of values alone; "
        "bands hold 95 % of each belief. Right: all simulated patients"
    )
    return Figure("figure-orders", orders("figure-orders", course, silence, alt), alt, caption, ident)


def _assumed(source: Source) -> tuple[Block, ...]:
    """Scores of both twins stand in the tables."""
    out = []
    for name, tables, draw in (
        ("orders_sensitivity", ("tipping", "profile", "delta", "fit"), (_tipped,)),
        ("orders_comparison", ("comparison", "first_orders", "later_orders"), ()),
        ("orders_holdout", ("comparison", "fit"), ()),
    ):
        if name in source.plan.analyses:
            evidence = source.evidence(name)
            found = evidence.values if evidence else {}
            shown = [key for key in (_SHARES if draw else _NEXT) if key in found]
            shown += [key for key in found if key.startswith("slope_") or (draw and key not in shown)]
            omit = set(found) - set(shown)
            out.append(block(source, name, shown, tables, draw, section="missingness", omit=omit))
    return tuple(out)


def _tipped(ident: str, evidence: Evidence) -> Figure | None:
    profile, delta = evidence.tables.get("profile"), evidence.tables.get("delta")
    if profile is None or delta is None or not (profile.rows and delta.rows):
        return None
    at_most, flips = float(evidence.inputs["at_most"]), evidence.tables.get("tipping")
    rows = flips.rows if flips else ()
    by_slope, by_delta = (
        [float(row[2]) for row in rows if isinstance(row[2], float) and str(row[0]).startswith("slope") is one]
        for one in (True, False)
    )
    slope = next((q for key, q in evidence.values.items() if key.startswith("slope_")), None)
    likely = [f"{at}: log-likelihood {value}, share {share} %" for at, value, share in
              texts_of(profile, ("slope", "log_likelihood", "share"))]  # fmt: skip
    moved = [f"{at}: {share} %" for at, share in texts_of(delta, ("delta", "share"))]
    tips = [", ".join(show(at) for at in found) or "nowhere" for found in (by_slope, by_delta)]
    alt = (
        f"By assumed slope {'; '.join(likely)}. By delta {'; '.join(moved)}. The conclusion, at most "
        f"{show(at_most)} %, flips at a slope of {tips[0]} and a delta of {tips[1]}."
    )
    caption = (
        "Above: how well each assumed slope describes the data. Below: the share that the conclusion speaks of, by "
        "slope (left) and by delta adjustment (right). Diamonds: where the conclusion flips"
    )
    svg = tipping("figure-tipping", profile, delta, slope, at_most, (by_slope, by_delta), alt)
    return Figure("figure-tipping", svg, alt, caption, ident)


SECTION = Section("missingness", 13, "Missing data: what was measured, and why", build)
