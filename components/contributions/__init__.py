"""What scores are made of: kept by publication, and why scores changed between two of them."""
