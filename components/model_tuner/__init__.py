"""ModelTuner: TFX's Tuner, which also says what it found, and where."""
