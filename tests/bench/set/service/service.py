"""The benchmark starts no service: images are packed and loaded only."""
