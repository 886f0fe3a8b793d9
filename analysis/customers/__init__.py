"""One row per customer: answers, choices and purchases joined."""
