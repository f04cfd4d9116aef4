"""Providers in the back office, and the services they sell."""
