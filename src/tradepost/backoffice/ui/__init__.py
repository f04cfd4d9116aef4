"""The parts that pages of every area of the back office share."""
