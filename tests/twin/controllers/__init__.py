"""References of the controllers: each rule once more, written from its source in the style of the original."""
