"""What happens at the same time, and the controls that show it would go wrong without the locks."""
