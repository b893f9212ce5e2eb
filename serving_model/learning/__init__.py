"""Fits the churn model: features in, weights out."""
