"""Organisations that offer gold to their customers: who they are and on which terms they trade.

Owns ``Tenant``, its ``Terms`` (append-only versions of fees) and its ``SettlementAccount``. Verbs live in
``tenants.actions``; other apps read through ``tenants.queries``. It never touches money.
"""
