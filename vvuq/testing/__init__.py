"""For users' own twins: `TestMine = conformance("mine.py")` in a pytest file tries every property on the twin.

`vvuq.testing.strategies` are the hypothesis strategies it draws from. Needs the extra: pip install 'vvuq[testing]'."""

from importlib import import_module

from vvuq.errors import NotEvaluable

try:
    import_module("hypothesis")
except ModuleNotFoundError:
    raise NotEvaluable("vvuq.testing needs hypothesis, which is not installed: pip install 'vvuq[testing]'") from None

from vvuq.testing.envelope import PlanEnvelope, envelope_of
from vvuq.testing.suite import Report, Result, check_conformance, conformance

__all__ = ["PlanEnvelope", "Report", "Result", "check_conformance", "conformance", "envelope_of"]
