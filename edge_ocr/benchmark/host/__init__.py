"""The half of a benchmark that runs on your desk (extra: bench)."""
