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
from vvuq.numerics.rows import rows
from vvuq.numerics.vectors import total


@njit(STRAIGHT_SIGNATURE, error_model="numpy", cache=True, nogil=True)
def straight_record(
    carry, see, grid, u0, row, step, scale, weights, drift, error, values, belief, lanes, flat, pattern, lines, seen,
    found, first, at,
):
    (t, u, jump, reset, event), (mean, root), (x, theta, _, _) = grid, belief, flat
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
    """The kernel for (states, observables, points, lanes), parameters that are learned, and errors that are shares."""
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
        """Sigma points into lanes: a mean, and plus and minus each column of the root, which `pattern` holds."""
        lines, d, wide = [], self.d, self.lanes
        for i in range(d):
            for j in _to(i):
                at = i * wide + self.first + j
                lines += [f"{root}s{i}{j} = scale * {root}{i}{j}", f"pattern[{at}] = {root}s{i}{j}"]
                lines.append(f"pattern[{at + d}] = -{root}s{i}{j}")
        for i in range(d):
            array, at = ("x", i * wide) if i < self.states else ("lines", (i - self.states) * wide)
            row = f"rows({array}, {at}, 1, {wide}, {wide})"
            lines.append(f"{row}[0] = {mean}{i} + rows(pattern, {i * wide}, 1, {wide}, {wide})[0]")
            if i >= self.states:
                place, transform = self.learned[i - self.states]
                lines += [f"theta[{place * wide + k}] = {_back(transform, f'lines[{at + k}]')}" for k in range(wide)]
        return lines

    def _ahead(self) -> list[str]:
        """The forecast's belief; that of now where no time has passed."""
        d, inner = self.d, self._drawn("m", "l")
        inner.append("carry_lanes(carry, t, u, jump, reset, event, begin, end, step, lanes, flat)")
        for i in range(d):
            array, at = ("x", i) if i < self.states else ("lines", i - self.states)
            inner += [
                f"r{i} = rows({array}, {at * self.lanes}, 1, {self.lanes}, {self.lanes})[0]",
                f"o{i} = {array}[{at * self.lanes}]",
                f"a{i} = o{i} + total(w * (r{i} - o{i}))",
                f"e{i} = v * (r{i} - a{i})",
            ]
        inner.append("passed = t[end] - t[begin]")
        walk = [f" + drift[{i}] * drift[{i}] * passed" for i in range(d)]
        inner += [f"g{i}{j} = total(e{i} * e{j}){walk[i] if i == j else ''}" for i in range(d) for j in _to(i)]
        for j in range(d):
            pivot = " - ".join([f"g{j}{j}", *(f"b{j}{k} * b{j}{k}" for k in range(j))])
            inner += [f"p{j} = {pivot}", f"t{j} = 1.0 / sqrt(p{j})", f"b{j}{j} = p{j} * t{j}"]
            for i in range(j + 1, d):
                rest = " - ".join([f"g{i}{j}", *(f"b{i}{k} * b{j}{k}" for k in range(j))])
                inner.append(f"b{i}{j} = ({rest}) * t{j}")
        enough = " and ".join(f"p{j} > LEAST_PIVOT * g{j}{j}" for j in range(d))
        same = [f"a{i} = m{i}" for i in range(d)] + [f"b{i}{j} = l{i}{j}" for i in range(d) for j in _to(i)]
        return [
            "if end > begin:",
            *("    " + line for line in inner),
            f"    if not ({enough} and isfinite({' + '.join(f'p{j}' for j in range(d))})):",
            *("        " + line for line in _LEAVE),
            "else:",
            *("    " + line for line in same),
        ]

    def _compared(self) -> list[str]:
        """What the forecast's points would measure, against what was: innovations i, slopes y, in units of errors."""
        lines = [
            *self._drawn("a", "b"),
            f"see(t[end], u[end - 1] if end > 0 else u0, x, theta, {self.lanes}, {self.lanes}, {self.lanes}, seen)",
        ]
        for a in range(self.q):
            at, value = a * self.lanes, f"values[c, {a}]"
            share = f" + error[1, {a}] * error[1, {a}] * total(w * (seen{a} * seen{a}))" if self.shares[a] else ""
            lines += [
                f"seen{a} = rows(seen, {at}, 1, {self.lanes}, {self.lanes})[0]",
                f"from{a} = seen[{at}]",
                f"h{a} = from{a} + total(w * (seen{a} - from{a}))",
                f"off{a} = v * (seen{a} - h{a})",
                f"variance{a} = total(off{a} * off{a})",
                f"noise{a} = error[0, {a}] * error[0, {a}]{share}",
                f"sd{a} = sqrt(noise{a})",
                f"missing{a} = isnan({value})",
                f"scale{a} = 0.0 if missing{a} else 1.0 / sd{a}",
                f"i{a} = 0.0 if missing{a} else ({value} - h{a}) * scale{a}",
                f"half{a} = scale{a} * share",
            ]
            lines += self._pairs(a)
        return lines

    def _pairs(self, a: int) -> list[str]:
        """Half differences of pairs move with the state; what they share beyond the mean is further noise."""
        lines, at = [], a * self.lanes + self.first
        for j in range(self.d):
            lines += [
                f"plus{a}{j}, minus{a}{j} = seen[{at + j}], seen[{at + self.d + j}]",
                f"y{a}{j} = half{a} * (plus{a}{j} - minus{a}{j})",
                f"c{a}{j} = half{a} * ((plus{a}{j} - h{a}) + (minus{a}{j} - h{a}))",
            ]
        if self.first:
            lines.append(f"c{a}{self.d} = scale{a} * v0 * (from{a} - h{a})")
        return lines

    def _absorbed(self) -> list[str]:
        """Innovations and slopes whitened by the further noise, 1 + C C'."""
        q, lines = self.q, []
        for a in range(q):
            for b in _to(a):
                sums = [f"c{a}{j} * c{b}{j}" for j in range(self.d + self.first)]
                lines.append(f"q{a}{b} = {' + '.join(sums)}")
        lines += [
            f"common = {' + '.join(f'q{a}{a}' for a in range(q))}",
            f"noises = {' * '.join(f'(1.0 if missing{a} else sd{a})' for a in range(q))}",
            "if not (common < SHARPEST and 1e-200 < noises < 1e200):",
            *("    " + line for line in _LEAVE),
        ]
        for b in range(q):
            pivot = " - ".join([f"(1.0 + q{b}{b})", *(f"u{b}{k} * u{b}{k}" for k in range(b))])
            lines += [f"u{b}{b} = sqrt({pivot})", f"inverse{b} = 1.0 / u{b}{b}"]
            for a in range(b + 1, q):
                rest = " - ".join([f"q{a}{b}", *(f"u{a}{k} * u{b}{k}" for k in range(b))])
                lines.append(f"u{a}{b} = ({rest}) * inverse{b}")
            for name in (f"i{b}", *(f"y{b}{j}" for j in range(self.d))):
                rest = " - ".join([name, *(f"u{b}{k} * x{name[0]}{k}{name[2:]}" for k in range(b))])
                lines.append(f"x{name} = ({rest}) * inverse{b}")
        return lines

    def _conditioned(self) -> list[str]:
        """The belief after: its root is b W^-1, W'W = 1 + Y'Y."""
        d, q, lines = self.d, self.q, []
        for i in range(d):
            for j in _to(i):
                lines.append(f"o{i}{j} = {' + '.join(f'xy{a}{i} * xy{a}{j}' for a in range(q))}")
        lines.append("sharp = " + " + ".join(f"o{i}{i}" for i in range(d)))
        for k in reversed(range(d)):
            below = [f"w{i}{k} * w{i}{k}" for i in range(k + 1, d)]
            lines += [f"w{k}{k} = sqrt(1.0 + ({' - '.join([f'o{k}{k}', *below])}))", f"d{k} = 1.0 / w{k}{k}"]
            for j in range(k):
                rest = " - ".join([f"o{k}{j}", *(f"w{i}{k} * w{i}{j}" for i in range(k + 1, d))])
                lines.append(f"w{k}{j} = ({rest}) * d{k}")
            sums = " + ".join(f"xi{a} * xy{a}{k}" for a in range(q))
            pulled = " - ".join([f"({sums})", *(f"z{i} * w{i}{k}" for i in range(k + 1, d))])
            lines.append(f"z{k} = ({pulled}) * d{k}")
            for i in range(k, d):
                rest = " - ".join([f"b{i}{k}", *(f"k{i}{j} * w{j}{k}" for j in range(k + 1, i + 1))])
                lines.append(f"k{i}{k} = ({rest}) * d{k}")
        explained = "".join(f" - z{k} * z{k}" for k in reversed(range(d)))
        lines.append(f"nis = {' + '.join(f'xi{a} * xi{a}' for a in range(q))}{explained}")
        lines += [f"n{i} = " + " + ".join([f"a{i}", *(f"k{i}{j} * z{j}" for j in _to(i))]) for i in range(d)]
        good = ["sharp < SHARPEST", f"isfinite(nis + {' + '.join(f'abs(n{i})' for i in range(d))})"]
        for at, (_, transform) in enumerate(self.learned):
            if isinstance(transform, Log):
                row = self.states + at
                reach = f"scale * max({', '.join(f'abs(k{row}{j})' for j in _to(row))}, 0.0)"
                lines.append(f"reach{row} = {reach}")
                good.append(f"exp(n{row} - reach{row}) > 0.0 and isfinite(exp(n{row} + reach{row}))")
        return [*lines, f"if not ({' and '.join(good)}):", *("    " + line for line in _LEAVE)]

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
            f"measured = {' + '.join(f'(0 if missing{a} else 1)' for a in range(self.q))}",
            f"factors = {' * '.join([*(f'u{a}{a}' for a in range(self.q)), *(f'w{i}{i}' for i in range(d))])}",
            "numbers[c, 1] = -0.5 * (measured * log(2.0 * pi) + nis) - log(noises * factors)",
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
