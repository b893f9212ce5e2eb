"""Why a score is high or low: contributions of features, and sentences about facts."""
