"""Long tasks: a queue in the store, a worker, and one child process for each job."""
