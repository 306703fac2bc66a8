"""The looks every page is put through axe in: each theme and each width once, since colours and layout break apart."""

LOOKS = [("light", 1440), ("dark", 390)]
NARROWEST = ("light", 320)
