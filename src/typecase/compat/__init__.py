"""What lets typecase stand in other programs' places."""
