"""The second engine of a host, without pending events where none are needed (recovery_kernels.lanes.engine)."""
