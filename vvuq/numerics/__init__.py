"""Integrators, small linear algebra and random streams on bare floats and arrays."""
