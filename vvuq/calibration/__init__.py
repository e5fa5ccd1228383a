"""Calibration: what a population of patients says about the parameters, and what one patient's twin starts from."""
