"""Three hundred values that would hide, move, imitate or run something (R-23, T3): for pages, mail and chat alike."""

import itertools

# What each value would hide, move, imitate or run, put in several places of a text.
CODE_POINTS = [
    *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0x200B, 0x2010), 0x2060, 0xFEFF, 0x00AD, 0x034F, 0x061C, 0x180E,
    0x115F, 0x1160, 0x3164, 0xFFA0, 0x2028, 0x2029, 0xE0001, 0xE0041, 0xE007F, 0xE0100, 0x00, 0x07, 0x08, 0x1B, 0x7F, 0x85,
    0x9B, 0x2800, 0xFE00, 0x0D,
]  # fmt: skip
RUN = "document.title='ran'"
MARKUP = [
    f"<script>{RUN}</script>", f'<img src=x onerror="{RUN}">', "<!-- hidden -->", "<b hidden>x</b>", "**bold** `code`",
    f"</textarea><script>{RUN}</script>", "<style>*{display:none}</style>", "<a href='https://evil.example'>click</a>",
    "[click](https://evil.example)", "&lt;script&gt;", f'<svg onload="{RUN}">', "{{ 7*7 }} {% now 'Y' %}", f"javascript:{RUN}",
    "data:text/html,<script>1</script>", "<iframe src='//evil.example'></iframe>", "<base href='//evil.example'>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>", f'" autofocus onfocus="{RUN}',
]  # fmt: skip
HOSTS = [
    "https://paypal.example@evil.example/", "http://xn--80ak6aa92e.example/", "https://\u0440aypal.example/",
    "https://evil.example/#paypal.example",
]  # fmt: skip
IMITATIONS = [
    "p\u0430ypal", "\u0391dmin", "\uff50aypal", "\U0001d429aypal", "g\u043e\u043egle", "micr\u03bfsoft",
]  # fmt: skip


def values() -> list[str]:
    places = ("{0}pay 10", "pay {0}10", "pay 10{0}", "pa{0}{0}{0}y 10", "{0}a{0}b", "10 EUR{0} to {0}Eve")
    hidden = [place.format(chr(point)) for point in CODE_POINTS for place in places]
    others = [
        f"{before}{text}" for before, text in itertools.product(("", "Pay now: "), [*MARKUP, *HOSTS, *IMITATIONS])
    ]
    long = [
        "A" * 1999 + "\u202etail",
        " " * 300 + "pushed aside",
        "\n" * 200 + "pushed down",
        "\t" * 100 + "x",
        "Z" * 5000,
    ]
    return [*hidden, *others, *long]


def read_as(text: str) -> str:
    """What a person must be able to read of a value: its visible characters, in order; the others are named instead."""
    return "".join(c for c in text if not c.isspace() and ord(c) not in CODE_POINTS)
