"""Equations set from sympy: signs, fractions, greek letters, words, cases; always well formed."""

from __future__ import annotations

import pytest
import sympy
from dossier.parsed import parse
from hypothesis import given
from hypothesis import strategies as st

from vvuq.dossier.mathml import equation, symbol

t, CL, V, weight, R = sympy.symbols("t CL V weight R")
A = sympy.Function("A")(t)


def text(expression: sympy.Basic) -> str:
    """The right side of y = expression as plain text."""
    return parse(equation(sympy.Eq(sympy.Symbol("y"), expression, evaluate=False))).text().removeprefix("y=")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [(R - CL / V * A, "R−CL\u2062AV"), (-V, "−V"), (V * (1 + CL), "V\u2062(1+CL)"), (sympy.sqrt(V), "V"), (V**2, "V2"),
     (sympy.exp(-V), "e−V"), (1 / V, "1V"), (sympy.Rational(1, 3) * V, "V3"), (V - 2, "V−2"), (weight * V, "V·weight"),
     (sympy.log(V), "log\u2061(V)"), (V**CL, "VCL"), ((V + 1) ** 2, "(1+V)2"), (sympy.Float("0.5") * V, "0.5\u2062V")],
)  # fmt: skip
def test_expressions(expression: sympy.Basic, expected: str) -> None:
    assert text(expression) == expected


def test_a_state_equation_reads_as_a_rate() -> None:
    page = equation(sympy.Eq(sympy.Derivative(A, t), R - CL * A, evaluate=False))
    assert parse(page).text() == "dAdt=R−CL\u2062A"
    assert "<mfrac><mrow><mi>d</mi><mi>A</mi></mrow><mrow><mi>d</mi><mi>t</mi></mrow></mfrac>" in page


def test_names() -> None:
    assert symbol("sigma_1") == "<math><msub><mi>σ</mi><mi>1</mi></msub></math>"
    assert symbol("omega_CL") == "<math><msub><mi>ω</mi><mi>CL</mi></msub></math>"
    assert symbol("apgar_effect") == "<math><mtext>apgar&#160;effect</mtext></math>"
    assert symbol("a<b") == "<math><mi>a&lt;b</mi></math>"


def test_cases_say_when() -> None:
    page = text(sympy.Piecewise((1, weight < 5), (V, True)))
    assert page == "{1if\u00a0weight<5Votherwise"


@given(st.recursive(
    st.sampled_from([V, CL, weight, R, sympy.Integer(2), sympy.Rational(-1, 3)]),
    lambda inner: st.one_of(st.builds(lambda a, b: a + b, inner, inner), st.builds(lambda a, b: a * b, inner, inner),
                            st.builds(lambda a, b: a - b, inner, inner), st.builds(lambda a: sympy.exp(-a), inner)),
    max_leaves=8,
))  # fmt: skip
def test_whatever_a_model_computes_is_well_formed_and_names_what_it_uses(expression: sympy.Basic) -> None:
    page = parse(equation(sympy.Eq(sympy.Symbol("y"), expression, evaluate=False)))
    written = {element.text() for element in page.all("mi")}
    assert {name.name for name in expression.free_symbols} <= written
