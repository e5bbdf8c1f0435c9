"""Euros and grams of customers: wallets, the ledger, prices and trades.

Owns ``Wallet`` (a cache of its last ledger entry), ``LedgerEntry`` (append-only, hash-chained), ``GoldPrice``, and what
goes to banks and comes from them: ``Deposit``, ``Withdrawal``, ``BankAccount``, ``BankLine``, ``PaymentFile``;
``Transfer`` from customer to customer and ``Reversal`` of a trade.
Verbs: ``actions.trades.buy`` and ``sell``, ``actions.wallets.open_wallet``, ``actions.prices.set_price``. It never
knows how a person logs in.
"""
