"""What is done with runs: one experiment, a sweep, a fit, a threshold, the race, the services."""
