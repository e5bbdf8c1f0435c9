"""A person's rights over their data: what is known of them, and how it leaves or ends.

``classification`` says of every field of every model whether it is about a person and what an export and an erasure do
with it. Verbs: ``actions.exports``, ``actions.erasure``. It never decides what is legal: policy is data.
"""
