"""The demo's past: five weeks of orders, top-ups and refills of some two dozen customers, so that no page is empty.

It is made up, and written down by the engine (`engine.past`), which holds it to the rules of every order. Part of it
went to two suppliers, so that there are costs and margins to see. They are paused: nobody is behind them, and what is
ordered now is the simulator's.
"""
