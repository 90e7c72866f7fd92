"""The benchmark starts no worker: images are packed and loaded only."""
