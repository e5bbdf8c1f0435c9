"""Who a person is: users, passwords, sessions, tokens, registration (which opens a wallet).

Verbs: ``actions.registration.register``, ``actions.sessions.login``, ``refresh`` and ``logout``,
``actions.passwords.change``, ``actions.closing.close``. Other apps read through ``accounts.queries``; apps below ask
the SQL functions ``actor_standing`` and ``actor_role`` (``aurix.standing``). It never writes the ledger.
"""
