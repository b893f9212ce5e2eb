"""The champion: which model scores, by its blessing and by what people decided since."""
