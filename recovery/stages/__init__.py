"""The stages of a scenario, a file each: how it runs, its columns, what is measured of it."""
