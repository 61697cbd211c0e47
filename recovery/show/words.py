"""What holders are called: our texts say "holders", and a page says what its scenario calls them."""

import re

Called = tuple[str, str]
"""Many of them, and one: ("droplets", "droplet")."""


def speaking_of(called: Called, text: str) -> str:
    """One of our texts, with holders under the name that they have here; a key, such as fleet.holders, stays."""
    many, one = called
    names = {
        "holders": many,
        "holder": one,
        "Holders": many[:1].upper() + many[1:],
        "Holder": one[:1].upper() + one[1:],
    }
    return re.sub(r"(?<!\.)\b(holders?|Holders?)\b", lambda match: names[match[1]], text)
