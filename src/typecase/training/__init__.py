"""Training, evaluation and their reports: needs the extra `train`, and nothing that reads depends on it."""
