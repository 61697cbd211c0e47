"""Text becomes a model, once: files, keys, mistakes."""
