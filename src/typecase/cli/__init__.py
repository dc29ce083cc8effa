"""The command `typecase`: one file for each verb."""
