"""Pure functions of tensors and numbers: raw features, account features, schema."""
