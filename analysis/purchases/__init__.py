"""Wing 3, purchases: from a ledger to scores, limits and lists."""
