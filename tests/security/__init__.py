"""Attacks, each named for what holds against it."""
