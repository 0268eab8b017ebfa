"""The meaning of an answer: embeddings, and checks for what embeddings do not see."""
