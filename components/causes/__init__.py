"""What the feedback itself says about why scores changed, from counts by day."""
