"""The staff's pages on ledgers: what was loaded, and what was set apart."""
