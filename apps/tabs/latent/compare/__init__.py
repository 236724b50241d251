"""The same noise under other settings."""
