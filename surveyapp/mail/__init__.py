"""Mails: texts made safe, messages composed, and the mail server that takes them."""
