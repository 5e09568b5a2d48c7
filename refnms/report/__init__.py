"""Figures and pages of results (extra `report`)."""
