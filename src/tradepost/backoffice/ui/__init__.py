"""What the pages of the back office are made of: no area's own, used by all."""
