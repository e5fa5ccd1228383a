"""Why a value was not measured: mechanisms as values that thin a complete record and give their own likelihood."""
