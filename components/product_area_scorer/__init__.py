"""ProductAreaScorer: from counts of product areas to product_area_impact."""
