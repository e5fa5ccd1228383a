"""Campaigns: many runs of a model, failures kept as data."""
