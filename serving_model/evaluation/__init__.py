"""How good probabilities are: metrics, bootstrap intervals, baselines."""
