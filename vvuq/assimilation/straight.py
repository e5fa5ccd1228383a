"""Text of the unscented record for one small size: a cycle without loops, its belief in registers (tier 2).

The algebra is that of numerics/gram.py, term by term; what does not suit it (a pivot that is too small, observations
that are too sharp, anything that is not finite) ends the call before that cycle, and the general record takes it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from vvuq.assimilation.system import System
from vvuq.assimilation.transforms import Log, Logit, Transform
from vvuq.models.kernels import module

MOST_ROWS, MOST_OBSERVABLES = 8, 4

_HEAD = '''"""Generated for {d} rows, {q} observables, {count} points in {lanes} lanes; read-only.
The file name is the digest of this text."""
from __future__ import annotations

from math import exp, isfinite, isnan, log, pi, sqrt, tanh

import numpy as np
from numba import njit

from vvuq.numerics.abreast import carry_lanes
from vvuq.numerics.gram import LEAST_PIVOT, SHARPEST
from vvuq.numerics.unscented_record import STRAIGHT_SIGNATURE
from vvuq.numerics.vectors import rows, total


@njit(STRAIGHT_SIGNATURE, error_model="numpy", cache=True, nogil=True)
def straight_record(
    carry, see, grid, u0, row, step, scale, weights, drift, error, values, belief, lanes, flat, lines, seen, found, first, at
):
    (t, u, jump, event), (mean, root), (x, theta, _, _) = grid, belief, flat
    course, sds, roots, innovation, predicted, spread, numbers, codes = found
    begin, count, reached = at[0], values.shape[0], values.shape[0]
    both = rows(weights, 0, 2, {lanes}, {lanes})
    w, v = both[0], both[1]
    v0, share = weights[{lanes}], weights[{last}] * sqrt(0.5)
{opening}
    for c in range(first, count):
        end = row[c + 1]
{cycle}
        begin = end
    at[0] = begin
{closing}
    return reached
'''


def suits(system: System) -> bool:
    """True for few rows and observables, each measured by the model itself with an error of its own."""
    few = system.size <= MOST_ROWS and len(system.noise) <= MOST_OBSERVABLES
    return few and system.operator is None and system.correlation is None


@lru_cache(maxsize=64)
def straight_record(
    sizes: tuple[int, int, int, int], learned: tuple[tuple[int, Transform], ...], proportional: tuple[bool, ...]
) -> Any:
    """The kernel for (states, observables, points, lanes): which parameters are learned, and which errors are shares."""
    states, q, count, lanes = sizes
    of = _Cycle(states, learned, count, lanes, proportional)
    d = states + len(learned)
    text = _HEAD.format(
        d=d, q=q, count=count, lanes=lanes, last=lanes + count - 1,
        opening=_indented(of.opened(), 4), cycle=_indented(of.written(), 8), closing=_indented(of.closed(), 4),
    )  # fmt: skip
    return module(text).straight_record


def _indented(lines: list[str], by: int) -> str:
    return "\n".join(" " * by + line for line in lines)


class _Cycle:
    """The lines of one cycle. Beliefs are named m, l (before), a, b (ahead) and n, k (after): mean i, root i j."""

    def __init__(
        self, states: int, learned: tuple[tuple[int, Transform], ...], count: int, lanes: int, shares: tuple[bool, ...]
    ) -> None:
        self.states, self.learned, self.count, self.lanes, self.shares = states, learned, count, lanes, shares
        self.d, self.q = states + len(learned), len(shares)
        self.first = count - 2 * self.d  # 1 where the centre is a point of its own

    def opened(self) -> list[str]:
        """The belief from memory."""
        d = self.d
        return [f"m{i} = mean[{i}]" for i in range(d)] + [f"l{i}{j} = root[{i}, {j}]" for i in range(d) for j in _to(i)]

    def closed(self) -> list[str]:
        """The belief back into memory."""
        d, lines = self.d, []
        for i in range(d):
            lines += [f"mean[{i}] = m{i}"] + [f"root[{i}, {j}] = l{i}{j}" for j in _to(i)]
            lines += [f"root[{i}, {j}] = 0.0" for j in range(i + 1, d)]
        return lines

    def written(self) -> list[str]:
        """All of a cycle."""
        return [*self._ahead(), *self._compared(), *self._absorbed(), *self._conditioned(), *self._reported()]

    def _drawn(self, mean: str, root: str) -> list[str]:
        """Sigma points into lanes, plus and minus each column of the root; lanes to spare repeat the first."""
        lines = []
        for i in range(self.d):
            lines += [f"s{i}{j} = scale * {root}{i}{j}" for j in _to(i)]
            for k in range(self.lanes):
                lines += self._point(i, k, mean)
        return lines

    def _point(self, i: int, k: int, mean: str) -> list[str]:
        j, sign = k - self.first, "+"
        if k >= self.count:
            j = -self.first
        elif j >= self.d:
            j, sign = j - self.d, "-"
        value = f"{mean}{i} {sign} s{i}{j}" if 0 <= j <= i else f"{mean}{i}"
        if i < self.states:
            return [f"x[{i * self.lanes + k}] = {value}"]
        place, transform = self.learned[i - self.states]
        line = f"lines[{(i - self.states) * self.lanes + k}]"
        return [f"{line} = {value}", f"theta[{place * self.lanes + k}] = {_back(transform, line)}"]

    def _ahead(self) -> list[str]:
        """The forecast's belief; that of now where no time has passed."""
        d, inner = self.d, self._drawn("m", "l")
        inner.append("carry_lanes(carry, t, u, jump, event, begin, end, step, lanes, flat)")
        for i in range(d):
            array, at = ("x", i) if i < self.states else ("lines", i - self.states)
            inner += [
                f"r = rows({array}, {at * self.lanes}, 1, {self.lanes}, {self.lanes})[0]",
                f"o = {array}[{at * self.lanes}]",
                f"a{i} = o + total(w * (r - o))",
                f"e{i} = v * (r - a{i})",
            ]
        inner += [f"g{i}{j} = total(e{i} * e{j})" for i in range(d) for j in _to(i)]
        inner.append("passed = t[end] - t[begin]")
        inner += [f"g{i}{i} += drift[{i}] * drift[{i}] * passed" for i in range(d)]
        inner.append("good = True")
        for j in range(d):
            pivot = " - ".join([f"g{j}{j}", *(f"b{j}{k} * b{j}{k}" for k in range(j))])
            inner += [f"p = {pivot}", f"good &= p > LEAST_PIVOT * g{j}{j} and isfinite(p)", "f = 1.0 / sqrt(p)"]
            inner.append(f"b{j}{j} = p * f")
            for i in range(j + 1, d):
                rest = " - ".join([f"g{i}{j}", *(f"b{i}{k} * b{j}{k}" for k in range(j))])
                inner.append(f"b{i}{j} = ({rest}) * f")
        same = [f"a{i} = m{i}" for i in range(d)] + [f"b{i}{j} = l{i}{j}" for i in range(d) for j in _to(i)]
        return [
            "if end > begin:",
            *("    " + line for line in inner),
            "    if not good:",
            *("        " + line for line in _LEAVE),
            "else:",
            *("    " + line for line in same),
        ]

    def _compared(self) -> list[str]:
        """What the forecast's points would measure, against what was: innovations i, and slopes y, in units of errors."""
        lines = [
            *self._drawn("a", "b"),
            "see(t[end], u[end - 1] if end > 0 else u0, x, theta, {0}, {0}, {0}, seen)".format(self.lanes),
            "measured, product, common, nis = 0, 1.0, 0.0, 0.0",
        ]
        for a in range(self.q):
            at, value = a * self.lanes, f"values[c, {a}]"
            share = f" + error[1, {a}] * error[1, {a}] * total(w * (r * r))" if self.shares[a] else ""
            lines += [
                f"r = rows(seen, {at}, 1, {self.lanes}, {self.lanes})[0]",
                f"o = seen[{at}]",
                f"h{a} = o + total(w * (r - o))",
                f"r_ = v * (r - h{a})",
                f"variance{a} = total(r_ * r_)",
                f"noise{a} = error[0, {a}] * error[0, {a}]{share}",
                f"sd = sqrt(noise{a})",
                f"missing{a} = isnan({value})",
                f"f = 0.0 if missing{a} else 1.0 / sd",
                f"i{a} = 0.0 if missing{a} else ({value} - h{a}) * f",
                f"measured += 0 if missing{a} else 1",
                f"product *= 1.0 if missing{a} else sd",
                "f *= share",
            ]
            lines += self._pairs(a)
        return lines

    def _pairs(self, a: int) -> list[str]:
        """Half differences of pairs move with the state; what they share beyond the mean is further noise."""
        lines, at = [], a * self.lanes + self.first
        for j in range(self.d):
            plus, minus = f"seen[{at + j}]", f"seen[{at + self.d + j}]"
            lines += [
                f"y{a}{j} = f * ({plus} - {minus})",
                f"c{a}{j} = f * (({plus} - h{a}) + ({minus} - h{a}))",
                f"common += c{a}{j} * c{a}{j}",
            ]
        if self.first:
            centre = f"c{a}{self.d}"
            lines += [f"{centre} = (f / share) * v0 * (seen[{at - 1}] - h{a})", f"common += {centre} * {centre}"]
        return lines

    def _absorbed(self) -> list[str]:
        """Innovations and slopes whitened by the further noise, 1 + C C'."""
        lines, terms = ["if not (common < SHARPEST and 1e-200 < product < 1e200):", *("    " + x for x in _LEAVE)], self.d
        for a in range(self.q):
            for b in _to(a):
                sums = [f"c{a}{j} * c{b}{j}" for j in range(terms + self.first)]
                lines.append(f"q{a}{b} = " + " + ".join([*(["1.0"] if a == b else []), *sums]))
        for b in range(self.q):
            pivot = " - ".join([f"q{b}{b}", *(f"q{b}{k} * q{b}{k}" for k in range(b))])
            lines += [f"q{b}{b} = sqrt({pivot})", f"f = 1.0 / q{b}{b}", f"product *= q{b}{b}"]
            for a in range(b + 1, self.q):
                rest = " - ".join([f"q{a}{b}", *(f"q{a}{k} * q{b}{k}" for k in range(b))])
                lines.append(f"q{a}{b} = ({rest}) * f")
            for name in (f"i{b}", *(f"y{b}{j}" for j in range(self.d))):
                rest = " - ".join([name, *(f"q{b}{k} * {name[0]}{k}{name[2:]}" for k in range(b))])
                lines.append(f"{name} = ({rest}) * f")
            lines.append(f"nis += i{b} * i{b}")
        return lines

    def _conditioned(self) -> list[str]:
        """The belief after: its root is b W^-1, W'W = 1 + Y'Y."""
        d, lines = self.d, []
        for i in range(d):
            for j in _to(i):
                sums = [f"y{a}{i} * y{a}{j}" for a in range(self.q)]
                lines.append(f"w{i}{j} = " + " + ".join(sums))
        lines.append("sharp = " + " + ".join(f"w{i}{i}" for i in range(d)))
        lines += [f"z{j} = " + " + ".join(f"i{a} * y{a}{j}" for a in range(self.q)) for j in range(d)]
        for k in reversed(range(d)):
            below = [f"w{i}{k} * w{i}{k}" for i in range(k + 1, d)]
            lines += [f"p = 1.0 + ({' - '.join([f'w{k}{k}', *below])})", f"w{k}{k} = sqrt(p)", f"f = 1.0 / w{k}{k}"]
            for j in range(k):
                rest = " - ".join([f"w{k}{j}", *(f"w{i}{k} * w{i}{j}" for i in range(k + 1, d))])
                lines.append(f"w{k}{j} = ({rest}) * f")
            pulled = " - ".join([f"z{k}", *(f"z{i} * w{i}{k}" for i in range(k + 1, d))])
            lines += [f"z{k} = ({pulled}) * f", f"nis -= z{k} * z{k}", f"product *= w{k}{k}"]
            for i in range(k, d):
                rest = " - ".join([f"b{i}{k}", *(f"k{i}{j} * w{j}{k}" for j in range(k + 1, i + 1))])
                lines.append(f"k{i}{k} = ({rest}) * f")
        lines += [f"n{i} = " + " + ".join([f"a{i}", *(f"k{i}{j} * z{j}" for j in _to(i))]) for i in range(d)]
        finite = " and ".join(["sharp < SHARPEST", "isfinite(nis)", *(f"isfinite(n{i})" for i in range(d))])
        lines.append(f"good = {finite}")
        for at, (_, transform) in enumerate(self.learned):
            if isinstance(transform, Log):
                row = self.states + at
                reach = f"scale * max({', '.join(f'abs(k{row}{j})' for j in _to(row))}, 0.0)"
                lines += [f"f = {reach}", f"good &= exp(n{row} - f) > 0.0 and isfinite(exp(n{row} + f))"]
        return [*lines, "if not good:", *("    " + line for line in _LEAVE)]

    def _reported(self) -> list[str]:
        """What the cycle found, and the belief after it becomes the one before the next."""
        d, lines = self.d, []
        for a in range(self.q):
            lines += [
                f"predicted[c, {a}] = np.nan if missing{a} else h{a}",
                f"spread[c, {a}] = np.nan if missing{a} else sqrt(variance{a} + noise{a})",
                f"innovation[c, {a}] = values[c, {a}] - predicted[c, {a}]",
            ]
        lines += [
            "numbers[c, 0] = nis",
            "numbers[c, 1] = -0.5 * (measured * log(2.0 * pi) + nis) - log(product)",
            f"numbers[c, 2] = min({', '.join(f'b{i}{i}, k{i}{i}' for i in range(d))})",
            "codes[c] = 0",
        ]
        for i in range(d):
            lines += [f"m{i} = n{i}", f"course[c, {i}] = n{i}"] + [f"l{i}{j} = k{i}{j}" for j in _to(i)]
            lines.append(f"sds[c, {i}] = sqrt({' + '.join(f'k{i}{j} * k{i}{j}' for j in _to(i))})")
        lines.append("if roots.shape[0] > 0:")
        for i in range(d):
            lines += [f"    roots[c, {i}, {j}] = {f'k{i}{j}' if j <= i else '0.0'}" for j in range(d)]
        return lines


_LEAVE = ["reached = c", "break"]


def _to(i: int) -> range:
    return range(i + 1)


def _back(transform: Transform, line: str) -> str:
    """A learned parameter from its place on the line, as numerics/abreast.py has it."""
    if isinstance(transform, Log):
        return f"exp({line})"
    if isinstance(transform, Logit):
        low, high = transform.low, transform.high
        return f"{low!r} + ({high!r} - {low!r}) * 0.5 * (1.0 + tanh(0.5 * {line}))"
    return line
