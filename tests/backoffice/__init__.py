"""The back office: what its pages show and do, and who may see them."""
