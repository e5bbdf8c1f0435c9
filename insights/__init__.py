"""How a customer trades: snapshots of days and weeks made from the ledger, and the advice that rules draw from them.

Owns ``Snapshot`` (what moved in a period), ``Period`` (the market in it), ``Watermark`` and ``Progress`` (what has been
seen of the ledger), ``EtlRun`` and ``EtlPart`` (who asked for it, and how it went). Verbs: ``actions.runs.start`` and
``work``. ``docs/decisions/0008-etl-watermark.md`` explains how nothing is missed. It never changes a balance.
"""
