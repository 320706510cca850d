"""Scripts that run inside the environment of the measured application."""
