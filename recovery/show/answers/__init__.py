"""Answers: what every command, page and Run begins with, made by rules from records. A module a kind of record."""
