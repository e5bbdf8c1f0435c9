"""How fast the shipped system is, measured from outside.

Owns the measurements: ``python -m bench`` (trades and reads, beside pgbench doing the same writes), ``python -m
bench.growth`` (the same with up to ten million ledger rows) and ``python -m bench.compare`` (variants of the system
against each other). It starts servers of its own below ``var/bench`` and never touches another database.
"""
