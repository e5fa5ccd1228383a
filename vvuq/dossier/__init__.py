"""Evidence to pages: assemble (pure) gathers frozen view values, sections shape them, render writes one HTML file."""
