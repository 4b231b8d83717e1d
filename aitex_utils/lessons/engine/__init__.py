"""The machinery of exercises: judge answers, show messages, keep progress."""
