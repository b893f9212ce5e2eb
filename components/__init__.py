"""The TFX components of Tens-Insight and the database room they share."""
