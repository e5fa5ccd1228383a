"""Sections of the report: one file each, beside a template of the same name. A new file is found because it exists."""
