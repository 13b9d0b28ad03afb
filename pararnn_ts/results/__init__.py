"""What a user reads: estimates, predictions, components, recurrence features, tests, summaries, saved files."""
