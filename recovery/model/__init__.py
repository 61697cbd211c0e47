"""What may be written: the models of a scenario and what must fit together."""
