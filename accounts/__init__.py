"""Who a person is: users, passwords, sessions, tokens, registration (which opens a wallet).

Verbs live in ``accounts.actions``; other apps read through ``accounts.queries``. It never writes the ledger.
"""
