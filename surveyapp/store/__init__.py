"""The live store: the only SQL of the app, on SQLite or PostgreSQL.

Functions take an open connection and plain values and return frozen records; ``Store.read`` and
``Store.write`` open the transactions. One module per noun.
"""

from sqlalchemy import Connection

from surveyapp.store.connection import Store

__all__ = ["Connection", "Store"]
