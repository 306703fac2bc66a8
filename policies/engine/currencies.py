"""Amounts of money as people read them. Pure. The one home of how many digits a currency has after its point.

Source: ISO 4217 list one (currencies and funds), published 2026-01-01 by SIX, column "minor unit".
"""

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
# Where it is not two. The codes of the second line have no minor unit at all: metals, bond market units, test codes.
_WHOLE = """BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
    XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"""
_DIGITS = {
    **dict.fromkeys(_WHOLE.split(), 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}


def digits_of(currency: str | None) -> int:
    """Digits after the point; two for a code the list does not name."""
    return _DIGITS.get(currency or "", 2)


def money_text(amount_minor: int, currency: str, digits: int | None = None) -> str:
    """`$240.00`, or `24,000 JPY` and `24.000 KWD` where the currency has no symbol here, from minor units.

    `digits` is for an amount that its sender counts otherwise than ISO 4217 does.
    """
    places = digits_of(currency) if digits is None else digits
    sign, (units, rest) = "−" if amount_minor < 0 else "", divmod(abs(amount_minor), 10**places)
    text = f"{units:,}.{rest:0{places}d}" if places else f"{units:,}"
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {currency}"
