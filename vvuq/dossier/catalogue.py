"""The sections that a complete report has; those that no file builds yet are listed as gaps at its end."""

from __future__ import annotations

SECTIONS = {
    1: ("Verdict", ""),
    2: ("Context of use and model risk", ""),
    3: ("Model", ""),
    4: ("Data", ""),
    5: ("Credibility factors", ""),
    6: ("Categories of evidence", ""),
    7: ("Code verification", ""),
    8: (
        "Calculation verification",
        "discretization and solver error for further outputs and regimens",
    ),
    9: ("Filter verification", ""),
    10: ("Calibration and identifiability", ""),
    11: ("Validation", ""),
    12: ("Forecasters of the next hours", ""),
    13: ("Missing-data sensitivity", "assumed mechanisms, and the tipping point at which a conclusion flips"),
    14: ("Uncertainty of forecasts", ""),
    15: ("Sensitivity", ""),
    16: ("Alternatives to the model's form", "competing structures, and whether they change the decision"),
    17: ("Applicability", "distance between the context of use and the patients it was compared with"),
    18: ("Effect on the decision", ""),
    19: ("Negative findings and limits", ""),
    20: ("Judgements and signatures", ""),
    21: ("Traceability", ""),
    22: ("Reproducing this dossier", ""),
}

LIMITS = (
    "that the twin is right for other patients, settings, treatments, decisions or horizons than those of section 2;",
    "that decisions taken with it are better for patients than decisions taken without it: no decision was observed;",
    "how it fares on patients of another site, time or way of measuring, unless a section says that such were used;",
    "anything about the sections listed as not yet produced.",
)
