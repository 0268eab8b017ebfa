"""From scores to verdicts: mergeable evidence, bets, faithful replay, the judge. Read evidence.py first."""
