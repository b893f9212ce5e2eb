SELECT max(ended_at) FROM tens_insight.simulated_worlds
