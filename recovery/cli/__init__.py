"""The command `recovery`: arguments to calls, answers to text or JSON, errors to exit statuses."""
