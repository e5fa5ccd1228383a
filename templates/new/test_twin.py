"""Tries what the twin {{ name }} claims. `pytest tests` runs it; a failure prints its smallest counter-example."""

from vvuq.testing import conformance

TestTwin = conformance("../twins/{{ name }}.py")
