"""Files for other tools, written without loading any statistics."""
