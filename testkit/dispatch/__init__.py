"""Runs that send orders to upstream panels by real worker processes."""
