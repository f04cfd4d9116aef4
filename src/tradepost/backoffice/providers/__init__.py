"""Providers in the back office, and the services that they sell."""
