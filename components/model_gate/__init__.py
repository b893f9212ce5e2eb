"""ModelGate: from a challenger, the champion and simple baselines to a blessing with reasons."""
