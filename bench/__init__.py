"""Benchmarks: a workload on a fresh desk, in rounds with a yardstick on the same machine and the same database."""
