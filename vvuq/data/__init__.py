"""Patient data: cards that say what a cohort is, obtaining it, reading it, splitting and describing it."""
