"""The steps of reading, one file for each."""
