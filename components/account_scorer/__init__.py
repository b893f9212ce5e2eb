"""AccountScorer: from the score split and the champion to account_risk_scores."""
