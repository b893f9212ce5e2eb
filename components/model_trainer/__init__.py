"""ModelTrainer: TFX's Trainer, which also says what the model is."""
