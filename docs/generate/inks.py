"""The colours of the site's pictures, for light pages and for dark ones."""

# Letters, another curve, a shade, and three curves. They are told apart whatever colours one sees (Okabe and Ito), and in
# print; pictures with more than one curve tell them by marks and labels as well.
INKS = {
    "light": ("#1a1a1a", "#8a8a8a", "#ededed", "#0072b2", "#b34d00", "#007a5a"),
    "dark": ("#e6e6e6", "#909090", "#2b2f33", "#56b4e9", "#ff9f4d", "#2fc79a"),
}


def inked(svg: str) -> dict[str, bytes]:
    """A picture that was drawn with the light colours, in both, by the page that it is for."""
    found = {}
    for ink, colours in INKS.items():
        own = svg
        for light, colour in zip(INKS["light"], colours, strict=True):
            own = own.replace(light, colour)
        found[ink] = own.encode()
    return found
