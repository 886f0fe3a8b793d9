"""Wing 1, choices: from tasks and choices to part-worths and willingness to pay."""
