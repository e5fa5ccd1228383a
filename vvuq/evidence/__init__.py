"""Floor of record: immutable evidence, the chain of events about it, freshness, and verification."""
