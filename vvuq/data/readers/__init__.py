"""One reader a file format: from a file and the card's layout to a validated Cohort."""
