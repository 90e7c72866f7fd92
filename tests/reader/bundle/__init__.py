"""The bundle format, a second time: see docs/FORMAT.md and ../read_bundle.py."""
