"""Files that banks write and read: statements (CAMT.053, CSV) in, credit transfers (pain.001) out.

Pure: bytes and plain values, no Django, no clock, no database.
"""
