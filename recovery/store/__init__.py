"""What is on disk: files that are whole or absent, and the records in them."""
