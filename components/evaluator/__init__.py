"""Evaluator: TFX's Evaluator, without Beam."""
