"""vvuq: builds a medical digital twin, attacks it, and renders what was found as a graded credibility dossier."""

__version__ = "0.1.0"
