"""Other systems, run side by side with typecase: each in an environment of its own, never as a dependency."""
