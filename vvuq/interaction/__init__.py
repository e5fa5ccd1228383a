"""Interaction: what a clinician asks of a patient's twin."""
