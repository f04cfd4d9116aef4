"""The demo's past: five weeks of orders, top-ups and refills of some two dozen customers, so that no page is empty.

The past is made up, but the engine writes it (`engine.backfill`), under the same rules as every order. Some of the
orders went to two suppliers, so that the pages show costs and margins. The suppliers do not exist, so their providers
are paused, and the simulator fulfils new orders.
"""
