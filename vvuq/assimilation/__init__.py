"""Assimilation: beliefs about a patient, carried in time and conditioned on measurements."""
