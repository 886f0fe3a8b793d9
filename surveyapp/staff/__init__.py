"""Staff: log-in, own password, and the administrator's list of staff."""
