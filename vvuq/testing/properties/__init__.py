"""The properties of the conformance suite, one file each; a new file is found because it exists."""
