"""Figures of the report: pure functions from tables and numbers to deterministic SVG text."""
