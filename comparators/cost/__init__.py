"""What an answer costs: time, tokens, money, as measures on fixed log scales."""
