"""What a plan says of uncertain inputs, held against the twin: status, source, distribution, dependence.

A plan has to say what each spread is (aleatory, epistemic, both), why inputs are independent or how they depend, and,
for every uniform one, why nothing makes any value likelier: silence is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired

import numpy as np
from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from vvuq.analyses.settings import Count, Finite, Name, refused
from vvuq.calibration.foce import Population
from vvuq.errors import InputError, near
from vvuq.methods.inputs import Input, Inputs, Marginal, Status
from vvuq.models.parameter import LogNormal, Normal, Parameter
from vvuq.models.twin import Twin
from vvuq.record import Floats, Table

TAILS = 0.001  # of each declared prior, which are left out: a twin is tried up to these quantiles
Known = Literal["priors", "population_fit"]
Reason = Annotated[str, Field(min_length=20)]
REST = "rest"
_STRICT = ConfigDict(extra="forbid", strict=True)


@with_config(_STRICT)
class Other(TypedDict):
    """An input that the plan itself gives a distribution: {family: {number: value}}."""

    name: Name
    distribution: dict[str, dict[str, Finite]]
    source: Reason
    n: NotRequired[Count]


@with_config(_STRICT)
class Pair(TypedDict):
    """The correlation of two inputs' germs: of their logarithms where both are log-normal."""

    between: Annotated[list[Name], Field(min_length=2, max_length=2)]
    coefficient: Annotated[float, Field(gt=-1.0, lt=1.0)]


@with_config(_STRICT)
class InputSettings(TypedDict):
    """status: by name, "rest" for all others. independent: why they are, or correlated and `source` of that. uniform:
    by name why. other: distributions in place of those known. n: patients behind a prior. held: not varied."""

    status: dict[Name, Status]
    independent: NotRequired[Reason]
    correlated: NotRequired[list[Pair]]
    source: NotRequired[Reason]
    uniform: NotRequired[dict[Name, Reason]]
    other: NotRequired[list[Other]]
    n: NotRequired[dict[Name, Count]]
    held: NotRequired[list[Name]]


@dataclass(frozen=True, eq=False, slots=True)
class Declared:
    """The inputs, which parameter each is (d,), and all parameters at their middle (p,), where the others stay."""

    inputs: Inputs
    rows: tuple[int, ...]
    middle: Floats

    def parameters(self, points: Floats) -> Floats:
        """theta (p, n) of values (d, n) of the inputs."""
        theta = np.repeat(self.middle[:, None], points.shape[1], axis=1)
        theta[list(self.rows)] = points
        return theta


def varied(twin: Twin, known: Known, given: InputSettings, stem: str) -> tuple[Parameter, ...]:
    """The parameters that are varied; raises InputError for what the plan says wrongly, or does not say.

    Known from the twin alone: a population fit may find that one of them does not vary, which then has index 0."""
    parameters, held = twin.model.parameters, given.get("held", [])
    others = {one["name"] for one in given.get("other", [])}
    names = [p.name for p in parameters]
    for field, used in (("held", held), ("other", others), ("uniform", given.get("uniform", {})),
                        ("n", given.get("n", {})), ("status", given["status"])):  # fmt: skip
        for name in used:
            if name not in names and not (field == "status" and name == REST):
                raise refused(f"{stem}.inputs.{field}", name, f"a parameter of {twin.name}{near(name, names)}")
    free = tuple(p for p in parameters if p.name not in held and (p.name in others or _spread(twin, p, known)))
    if not free:
        raise refused(f"{stem}.inputs.held", list(held), "one parameter or more that is varied")
    for p in free:
        if p.name not in given["status"] and REST not in given["status"]:
            remedy = f"aleatory, epistemic or both for {p.name} (or for all others: {REST})"
            raise refused(f"{stem}.inputs.status", sorted(given["status"]), remedy)
    _check_dependence([p.name for p in free], given, stem)
    _check_uniform(free, known, given, stem)
    return free


def _spread(twin: Twin, p: Parameter, known: Known) -> bool:
    return known == "population_fit" or p.prior.quantile(0.25) < p.prior.quantile(0.75)


def _check_dependence(names: list[str], given: InputSettings, stem: str) -> None:
    both = "correlated" in given and "independent" in given
    if len(names) > 1 and (both or not ("correlated" in given or "independent" in given)):
        remedy = "independent: why they are; or correlated: how, with its source. Unexplained independence is refused"
        raise refused(f"{stem}.inputs.independent", None, remedy)
    if "correlated" in given and "source" not in given:
        raise refused(f"{stem}.inputs.source", None, "where the correlations come from")
    for pair in given.get("correlated", []):
        for name in pair["between"]:
            if name not in names or pair["between"][0] == pair["between"][1]:
                raise refused(f"{stem}.inputs.correlated", pair["between"], f"two varied parameters{near(name, names)}")


def _check_uniform(free: tuple[Parameter, ...], known: Known, given: InputSettings, stem: str) -> None:
    """A uniform distribution says that no value is likelier than another, and that none lies beyond: is that known?"""
    replaced = {one["name"]: next(iter(one["distribution"]), "") for one in given.get("other", [])}
    for p in free:
        declared = known == "priors" and not isinstance(p.prior, LogNormal | Normal)
        flat = replaced[p.name] == "uniform" if p.name in replaced else declared
        if flat and p.name not in given.get("uniform", {}):
            remedy = f"{p.name}: why no value between its ends is likelier than another; a uniform guess is refused"
            raise refused(f"{stem}.inputs.uniform", p.name, remedy)


def declared(twin: Twin, known: Known, given: InputSettings, fit: Population | None, stem: str) -> Declared:
    """The inputs of the plan, with the distributions of the priors or of a population fit. Raises as `varied` does."""
    free = varied(twin, known, given, stem)
    others = {one["name"]: one for one in given.get("other", [])}
    middle = np.array([p.prior.quantile(0.5) for p in twin.model.parameters]) if fit is None else fit.theta.copy()
    items, rows = [], []
    for p in free:
        row = twin.model.parameter_index(p.name)
        status = given["status"].get(p.name) or given["status"][REST]
        made = _other(p, others[p.name], status, stem) if p.name in others else _known(twin, p, fit, given, status)
        if made is not None:
            items.append(made)
            rows.append(row)
    why = given.get("independent") or given.get("source", "one input")
    return Declared(Inputs(tuple(items), why, _correlation([one.name for one in items], given)), tuple(rows), middle)


def _known(twin: Twin, p: Parameter, fit: Population | None, given: InputSettings, status: Status) -> Input | None:
    """None where a fit finds no variation."""
    if fit is None:
        marginal = _prior(p)
        return Input(p.name, p.unit, marginal, status, p.source, given.get("n", {}).get(p.name))
    value, n = float(fit.theta[twin.model.parameter_index(p.name)]), len(fit.patients)
    if p.name in twin.personal:
        omega = float(fit.omega[twin.personal.index(p.name)])
        source = "variation between build patients; unknown of a new one until measured"
        numbers: tuple[tuple[str, float], ...] = (("median", value), ("sd_log", omega))
        return Input(p.name, p.unit, Marginal("lognormal", numbers), status, source, n) if omega > 0.0 else None
    error = next(e.standard_error for e in fit.estimates if e.name == p.name)
    numbers = (("mean", value), ("sd", error))
    source = "standard error of the population estimate"
    return Input(p.name, p.unit, Marginal("normal", numbers), status, source, n) if error > 0.0 else None


def _prior(p: Parameter) -> Marginal:
    prior = p.prior
    if isinstance(prior, LogNormal):
        return Marginal("lognormal", (("median", prior.median), ("sd_log", prior.sd_log)), TAILS)
    if isinstance(prior, Normal):
        return Marginal("normal", (("mean", prior.mean), ("sd", prior.sd)), TAILS)
    return Marginal("uniform", (("low", prior.low), ("high", prior.high)), TAILS)


def _other(p: Parameter, one: Other, status: Status, stem: str) -> Input:
    if len(one["distribution"]) != 1:
        raise refused(f"{stem}.inputs.other", one["distribution"], "{family: {number: value}}, one family")
    ((family, numbers),) = one["distribution"].items()
    try:
        marginal = Marginal(family, tuple(numbers.items()))
    except InputError as error:
        raise refused(f"{stem}.inputs.other", error.value, f"of {p.name}: {error.remedy}") from None
    low, high = (float(v) for v in marginal.quantile(np.array([TAILS, 1.0 - TAILS])))
    if not (p.bounds[0] <= low and high <= p.bounds[1]):
        raise refused(f"{stem}.inputs.other", [low, high], f"within the bounds of {p.name}, {list(p.bounds)}")
    return Input(p.name, p.unit, marginal, status, one["source"], one.get("n"))


def _correlation(names: list[str], given: InputSettings) -> Floats | None:
    pairs = [p for p in given.get("correlated", []) if set(p["between"]) <= set(names)]
    if not pairs:
        return None
    matrix = np.eye(len(names))
    for pair in pairs:
        i, j = (names.index(name) for name in pair["between"])
        matrix[i, j] = matrix[j, i] = pair["coefficient"]
    return matrix


def inputs_table(of: Declared, given: InputSettings) -> Table:
    """What is varied, how, and on whose word."""
    reasons: Mapping[str, Any] = given.get("uniform", {})
    rows = tuple(
        (one.name, one.unit, one.status, one.marginal.told,
         f"{one.source}{'; uniform: ' + reasons[one.name] if one.name in reasons else ''}", one.n)
        for one in of.inputs.items
    )  # fmt: skip
    how = "independent" if of.inputs.independent else "with a Gaussian copula"
    columns = ("parameter", "unit", "status", "distribution", "source", "n_behind")
    return Table(f"Uncertain inputs, {how}: {of.inputs.why}", columns, ("", "", "", "", "", "1"), rows)
