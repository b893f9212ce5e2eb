"""Reads the input tables: COPY streams, the exported database snapshot, the watermark."""
