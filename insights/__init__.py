"""How a customer trades: ETL, snapshots, rules, the language-model adapter. It never changes a balance."""
