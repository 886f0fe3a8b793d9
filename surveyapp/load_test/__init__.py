"""A load test of the real server: visitors over HTTP on loopback, and what their pages took."""
