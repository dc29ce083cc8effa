"""From a net's frames to text: which characters, how sure, and where; needs NumPy and nothing else."""
