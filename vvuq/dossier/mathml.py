"""Equations from the model's own code: sympy expression -> presentation MathML (no script, no font)."""

from __future__ import annotations

from html import escape

import sympy

_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega"
_LETTERS = dict(zip(_GREEK.split(), "αβγδεζηθικλμνξπρστφχψω", strict=True))
_TIMES = '<mo>&#8290;</mo><mspace width="0.16em"></mspace>'  # invisible times, with a little air
_DOT = "<mo>·</mo>"  # between words, where two symbols side by side would read as one
_RELATIONS = {"==": "=", "!=": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥"}
_SUM, _PRODUCT, _POWER, _ATOM = range(4)  # how tightly an expression binds


def equation(eq: sympy.Eq) -> str:
    """One <math> element in display style: left side = right side."""
    body = f"{_of(eq.lhs)}<mo>=</mo>{_of(eq.rhs)}"
    return f'<math display="block"><mrow>{body}</mrow></math>'


def symbol(name: str) -> str:
    """One inline <math> element for a name: greek letters and subscripts set properly."""
    return f"<math>{_name(name)}</math>"


def _name(name: str) -> str:
    head, _, rest = name.partition("_")
    base = _LETTERS.get(head, head)
    if not rest:
        return f"<mi>{escape(base)}</mi>"
    if len(base) <= 2:
        return f"<msub><mi>{escape(base)}</mi><mi>{escape(rest.replace('_', ','))}</mi></msub>"
    return f"<mtext>{escape(name).replace('_', '&#160;')}</mtext>"


def _of(expr: sympy.Basic) -> str:
    for kind, write in _WRITERS:
        if isinstance(expr, kind):
            return write(expr)
    return f"<mtext>{escape(str(expr))}</mtext>"


def _bind(expr: sympy.Basic) -> int:
    if isinstance(expr, sympy.Add) or (isinstance(expr, sympy.Expr) and expr.could_extract_minus_sign()):
        return _SUM
    if isinstance(expr, sympy.Mul | sympy.Derivative):
        return _PRODUCT
    return _POWER if isinstance(expr, sympy.Pow) else _ATOM


def _inside(expr: sympy.Basic, least: int) -> str:
    text = _of(expr)
    return text if _bind(expr) >= least else f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"


def _add(expr: sympy.Add) -> str:
    terms = sorted(expr.args, key=lambda term: (term.could_extract_minus_sign(), sympy.default_sort_key(term)))
    parts = [_of(terms[0])]
    for term in terms[1:]:
        negative = term.could_extract_minus_sign()
        parts += [f"<mo>{'−' if negative else '+'}</mo>", _inside(-term if negative else term, _PRODUCT)]
    return f"<mrow>{''.join(parts)}</mrow>"


def _mul(expr: sympy.Mul) -> str:
    if expr.could_extract_minus_sign():
        return f"<mrow><mo>−</mo>{_inside(-expr, _PRODUCT)}</mrow>"
    top, bottom = sympy.fraction(expr, exact=True)
    if bottom != 1:
        return f"<mfrac>{_of(top)}{_of(bottom)}</mfrac>"
    factors = expr.as_ordered_factors()
    worded = any(isinstance(factor, sympy.Symbol) and len(factor.name.partition("_")[0]) > 2 for factor in factors)
    sign = _DOT if worded else _TIMES
    return f"<mrow>{sign.join(_inside(factor, _POWER) for factor in factors)}</mrow>"


def _pow(expr: sympy.Pow) -> str:
    base, power = expr.as_base_exp()
    if power == sympy.Rational(1, 2):
        return f"<msqrt>{_of(base)}</msqrt>"
    if power.could_extract_minus_sign():
        return f"<mfrac><mn>1</mn>{_of(base**-power)}</mfrac>"
    return f"<msup>{_inside(base, _ATOM)}{_of(power)}</msup>"


def _number(expr: sympy.Number) -> str:
    if isinstance(expr, sympy.Rational) and expr.q != 1:
        return f"<mfrac><mn>{expr.p}</mn><mn>{expr.q}</mn></mfrac>"
    text = str(expr) if isinstance(expr, sympy.Integer) else f"{float(expr):g}"
    return f"<mrow><mo>−</mo><mn>{text[1:]}</mn></mrow>" if text.startswith("-") else f"<mn>{text}</mn>"


def _derivative(expr: sympy.Derivative) -> str:
    of, by = expr.expr, expr.variables[0]
    top = _name(of.func.__name__) if isinstance(of, sympy.core.function.AppliedUndef) else _of(of)
    return f"<mfrac><mrow><mi>d</mi>{top}</mrow><mrow><mi>d</mi>{_of(by)}</mrow></mfrac>"


def _function(expr: sympy.Function) -> str:
    arguments = "<mo>,</mo>".join(_of(argument) for argument in expr.args)
    return f"<mrow>{_name(expr.func.__name__.lower())}<mo>&#8289;</mo><mo>(</mo>{arguments}<mo>)</mo></mrow>"


def _unknown(expr: sympy.Basic) -> str:
    """A state A(t): its name; the argument is said once in the text."""
    return _name(expr.func.__name__)


def _cases(expr: sympy.Piecewise) -> str:
    rows = "".join(f"<mtr><mtd>{_of(value)}</mtd><mtd>{_condition(when)}</mtd></mtr>" for value, when in expr.args)
    return f'<mrow><mo>{{</mo><mtable columnalign="left left">{rows}</mtable></mrow>'


def _condition(when: sympy.Basic) -> str:
    return "<mtext>otherwise</mtext>" if when == sympy.true else f"<mrow><mtext>if&#160;</mtext>{_of(when)}</mrow>"


def _relation(expr: sympy.Rel) -> str:
    return f"<mrow>{_of(expr.lhs)}<mo>{escape(_RELATIONS[expr.rel_op])}</mo>{_of(expr.rhs)}</mrow>"


_WRITERS = (
    (sympy.Number, _number),
    (sympy.Symbol, lambda expr: _name(expr.name)),
    (sympy.Add, _add),
    (sympy.Mul, _mul),
    (sympy.exp, lambda expr: f"<msup><mi>e</mi>{_of(expr.args[0])}</msup>"),
    (sympy.Pow, _pow),
    (sympy.Derivative, _derivative),
    (sympy.Piecewise, _cases),
    (sympy.core.relational.Relational, _relation),
    (sympy.core.function.AppliedUndef, _unknown),
    (sympy.Function, _function),
)
