"""Transform: TFX's Transform, after one look at the training examples."""
