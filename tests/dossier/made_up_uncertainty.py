"""Made-up evidence of noise and ignorance, of bounds of a probability, and of what knowing is worth: all invented."""

from __future__ import annotations

import math

from vvuq.record import Cost, Evidence, Quantity, Table

UNIT = "mg/L"


def unknowns() -> tuple[Evidence, ...]:
    """All three."""
    return noise_and_ignorance(), probability_bounds(), information_value()


def around(value: float, half: float, unit: str = "1", n: int | None = None) -> Quantity:
    """With a symmetric 95 % interval."""
    ends = value - half, value + half, 0.95, value - 0.84 * half, value + 0.84 * half
    return Quantity(value, unit, *ends, "numerical", n)


def noise_and_ignorance() -> Evidence:
    """Suite uncertainty."""
    names = ("population", "patient", "change", "measurement", "total")
    first, last = (1.1, 6.2, 1.5, 2.4, 6.9), (1.0, 2.1, 1.5, 2.4, 3.7)
    values = {
        f"{name}_sd_{when}": Quantity(sd, UNIT, kind="epistemic", n=32)
        for when, sds in (("first", first), ("last", last))
        for name, sd in zip(names, sds, strict=True)
    }
    values |= {"epistemic_share_first": around(83.0, 3.0, "%", 32), "epistemic_share_last": around(40.0, 5.0, "%", 32)}
    values |= {"width95_first": around(27.0, 2.0, UNIT, 32), "width95_last": around(14.0, 1.0, UNIT, 32)}
    values |= {"narrowed": around(47.0, 4.0, "%", 32), "coverage95": around(91.0, 8.0, "%", 32)}
    values |= {"numerical_sd": Quantity(3e-7, UNIT, kind="numerical")}
    counts = {"n_patients": 32.0, "n_patients_lost": 0.0, "n_populations": 6.0, "n_runs": 49152.0}
    values |= {name: Quantity(count, "1") for name, count in counts.items()}
    of = ("population_part_sd", *(f"{name}_sd" for name in names[1:]))
    columns = ("values", "last", *of, "epistemic_share", "width95", "coverage95")
    rows = ((0, "none", *first, 83.0, 27.0, 97.0), (1, 11.9, 1.1, 4.0, 1.5, 2.4, 5.1, 66.0, 20.0, 94.0),
            (3, 59.9, *last, 40.0, 14.0, 91.0))  # fmt: skip
    parts = Table("Parts of the forecast's spread", columns, ("1", "h", *(UNIT,) * 5, "%", UNIT, "%"), rows)
    columns = ("values", "last", "low95", "median", "high95", "ignorance_low95", "ignorance_high95", "measured")
    band = Table(
        "One simulated patient", columns, ("1", "h", *(UNIT,) * 6),
        ((0, "none", 10.0, 22.0, 38.0, 12.0, 36.0, 27.0), (1, 11.9, 14.0, 24.0, 35.0, 16.0, 32.0, 27.0),
         (3, 59.9, 19.0, 26.0, 33.0, 22.0, 30.0, 27.0)),
    )  # fmt: skip
    return Evidence(
        "How much of a forecast's uncertainty is noise?", "noise_and_ignorance", 1, "pk", {}, "noise_and_ignorance",
        values, {"layers": parts, "band": band}, findings=("3 values make the band 47 % narrower.",),
        negative=("The bands hold too little.",), cost=Cost(1.0, 1.0, 0),
    )  # fmt: skip


def probability_bounds() -> Evidence:
    """Suite uncertainty."""
    values = {"below_1_low": around(1.2, 0.4, "%", 2000), "below_1_high": around(34.0, 2.0, "%", 2000)}
    values |= {"below_1_precise": around(9.0, 1.0, "%", 2000), "width_1": Quantity(32.8, "%", kind="epistemic")}
    for stem, (low, high, precise) in {"mean": (17.0, 25.0, 20.5), "q05": (13.0, 19.0, 14.8)}.items():
        parts = (("low", low), ("high", high), ("precise", precise))
        values |= {f"{stem}_{end}": Quantity(value, UNIT, kind="epistemic") for end, value in parts}
    counts = {
        "n_drawn": 2.0,
        "n_both": 2.0,
        "n_intervals": 1.0,
        "n_held_at_middle": 1.0,
        "n_draws": 200.0,
        "n_places": 78.0,
    }
    values |= {name: Quantity(count, "1") for name, count in (counts | {"n_runs": 18700.0}).items()}

    def below(x: float, middle: float) -> float:
        return 0.5 * (1.0 + math.erf((x - middle) / 5.0))

    grid = [float(x) for x in range(5, 41)]
    rows = tuple((x, below(x, 25.0), below(x, 17.0), below(x, 20.5)) for x in grid)
    shares = ("threshold", "below_low", "below_high", "below_precise", "search_low", "search_high")
    tables = {
        "bounds": Table("Below a threshold", ("number", *shares), ("1", UNIT, *("%",) * 5),
                        ((1, 15.0, 1.2, 34.0, 9.0, 1.0, 34.5),)),
        "band": Table("Distribution function", ("value", "lower", "upper", "precise"), (UNIT, "1", "1", "1"), rows),
        "quantiles": Table("Bounds", ("statistic", "lowest", "highest", "precise"), ("", UNIT, UNIT, UNIT),
                           (("mean", 17.0, 25.0, 20.5), ("5 % quantile", 13.0, 19.0, 14.8))),
        "alone": Table(
            "Intervals", ("parameter", "unit", "low", "high", "mean_at_low", "mean_at_middle", "mean_at_high",
                          "interval", "use"), ("", "", "", "", UNIT, UNIT, UNIT, "", ""),
            (("apgar_effect", "1", -0.1, 0.4, 17.0, 20.5, 25.0, "given by the plan", "searched"),)),
    }  # fmt: skip
    return Evidence(
        "How far can the probability of an event move?", "probability_bounds", 1, "pk",
        {"meaning": "concentration (trough)"}, "probability_bounds", values, tables,
        findings=("The bounds are inner ones.",), negative=("The probability is hardly known.",),
        cost=Cost(1.0, 1.0, 18700),
    )  # fmt: skip


def information_value() -> Evidence:
    """Suite uncertainty."""
    seen, known = (("one late", 0.014, 0.006), ("one early", -0.001, 0.002)), (("CL", 0.04, 0.008), ("V", 0.0, 0.0))
    values = {"evpi": around(0.043, 0.009), "lead": around(0.18, 0.02), "chosen": Quantity(2.0, "1")}
    values |= {f"benefit_{i}": around(value, 0.01) for i, value in enumerate((-0.22, -0.04), 1)}
    values |= {f"evsi_{i}": around(value, half) for i, (_, value, half) in enumerate(seen, 1)}
    values |= {f"changes_{i}": around(15.0, 1.5, "%") for i in (1, 2)}
    values |= {f"evppi_{name}": around(value, half) for name, value, half in known}
    counts = {"n_members": 2048.0, "n_members_lost": 0.0, "n_populations": 0.0, "n_runs": 6144.0}
    values |= {name: Quantity(count, "1") for name, count in counts.items()}
    actions = Table(
        "Expected benefit", ("number", "action", "benefit", "benefit_low", "benefit_high", "below", "above", "chosen"),
        ("1", "", "1", "1", "1", "%", "%", ""),
        ((1, "a lower dose", -0.22, -0.23, -0.21, 22.0, 0.0, False),
         (2, "this dose", -0.04, -0.05, -0.03, 1.0, 3.0, True)),
    )  # fmt: skip
    rows = [("measurement", what, str(i), v, v - h, v + h, 15.0, 30.0) for i, (what, v, h) in enumerate(seen, 1)]
    rows += [("parameter", what, "", v, v - h, v + h, 5.0, 90.0) for what, v, h in known]
    rows.append(("all", "everything", "", 0.043, 0.034, 0.052, 4.3, 100.0))
    columns = ("kind", "what", "number", "value", "value_low", "value_high", "changes", "of_evpi")
    information = Table("What knowing is worth", columns, ("", "", "", "1", "1", "1", "%", "%"), tuple(rows))
    return Evidence(
        "Which measurement would change the decision?", "information_value", 1, "pk", {}, "information_value", values,
        {"actions": actions, "information": information}, findings=("One late is worth most.",),
        negative=("The decision is nearly tied.",), cost=Cost(1.0, 1.0, 6144),
    )  # fmt: skip
