"""Desired, observed and recorded become steps: one file for each part of a company's ending."""
