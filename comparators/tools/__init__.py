"""The tools an answer calls."""
