"""Float TFLite -> int8 TFLite, by recipes that are data."""
