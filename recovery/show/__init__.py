"""Words, tables, figures and pages of stored results. Nothing is simulated here."""
