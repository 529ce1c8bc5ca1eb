"""Observes, walks plans and records what happened. Knows no vendor, no file format and no sentence."""
