"""The form of an answer: JSON, fences, length, truncation, markdown, language."""
