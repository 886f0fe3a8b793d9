"""The web app: collects answers, runs analyses, shows reports."""
