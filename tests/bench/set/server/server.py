"""The benchmark starts no server: images are packed and loaded only."""
