"""The settings by what they are for; pipeline/settings.py puts them together and loads them."""
