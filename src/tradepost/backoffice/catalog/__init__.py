"""The catalog in the back office: what is for sale, in which order, and who pays what for it."""
