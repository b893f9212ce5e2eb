"""StoreResolver: resolves artifacts of earlier runs where the runner knows no strategies."""
