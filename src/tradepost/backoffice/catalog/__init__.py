"""The catalog in the back office: categories, services, routes, price lists and custom rates."""
