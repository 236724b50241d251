"""Guidance: along its scale, in the plane, measured, step by step, and against unwanted words."""
