"""Export, erasure, consent and retention of personal data. What is legal is policy, and policy is data."""
